package layers

// TempDir answers for os.CreateTemp and os.MkdirTemp without a directory: $TMPDIR if not empty, else /tmp, which must
// be a directory in which the identity may make a file. Source: os/file_unix.go tempDir.
func (f *FS) TempDir(env []string, id Identity) TempDir {
	dir, _ := getenv(env, "TMPDIR")
	if dir == "" {
		dir = "/tmp"
	}
	n, access := f.access(dir, id, 0)
	if access.OK && !n.isDir() {
		access = Access{Errno: "ENOTDIR", At: access.Real, Real: access.Real}
	} else if access.OK && !id.may(&n.entry, Write|Exec) {
		access = Access{Errno: "EACCES", At: access.Real, Real: access.Real}
	}
	return TempDir{Dir: dir, Access: access}
}
