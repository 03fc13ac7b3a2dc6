package layers

// Same tells which paths are names of one file: for each path of a regular file with several names the first of them.
func Same(f *FS) map[string]string {
	first, names := map[*inode]string{}, map[string]string{}
	_ = f.tree.root.walk(func(n *node) error {
		if n.inode != nil {
			if first[n.inode] == "" {
				first[n.inode] = n.entry.Path
			}
			names[n.entry.Path] = first[n.inode]
		}
		return nil
	})
	return names
}
