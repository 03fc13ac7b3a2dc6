package layers

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// File describes one tar entry to New.
type File struct {
	// Path is the name as a tar has it, rooted or not: "etc/passwd", "/tmp/". A last element ".wh.NAME" deletes NAME
	// of lower layers, ".wh..wh..opq" empties its directory of what lower layers put there.
	Path string
	// Mode is type, permission, setuid, setgid and sticky. The type may be left out: with Link it is a symlink, with
	// a Path that ends in "/" a directory. Zero permission bits mean 0644 for a file, 0755 for a directory.
	Mode fs.FileMode
	UID  int
	GID  int
	// Link is the target of a symlink; Hardlink the path of the file this one is another name of. A hard link that gives
	// owner, mode or capabilities gives them to the file.
	Link     string
	Hardlink string
	// Caps says that the file has file capabilities.
	Caps bool
	// Data is the contents. Without Data a Size above zero says how big the file is: it can be asked for, not read.
	Data []byte
	Size int64
	// Open gives the contents, of Size bytes, where they are not in memory. Of New it takes the file's word for what it
	// is; Stack reads it.
	Open func() (fs.File, error)

	like *item // a file of another image that this one is like
}

// New builds the merged tree of layers given file by file, lowest layer first, each in the order of its tar.
// It is Read without an image, for tests and rule cases, and follows the same rules and bounds.
func New(layers ...[]File) (*FS, error) {
	if len(layers) > maxLayers {
		return nil, limitError("image", maxLayers, "layers")
	}
	t := newTree()
	for index, files := range layers {
		var s stratum
		var search searcher
		for i := range files {
			it, err := files[i].item()
			if it.entry.Mode.IsRegular() && !it.entry.ELF {
				it.note(search.whole(files[i].Path, files[i].Data))
			}
			if err == nil {
				err = s.add(files[i].Path, &it)
			}
			if err != nil {
				return nil, fmt.Errorf("layer %d: %w", index, err)
			}
		}
		if err := t.lay(index, &s); err != nil {
			return nil, fmt.Errorf("layer %d: %w", index, err)
		}
	}
	t.finish()
	return &FS{tree: t}, nil
}

// item gives a file the shape in which layers are merged.
func (f *File) item() (item, error) {
	if f.Path == "" {
		return item{}, fmt.Errorf("file without a path")
	}
	mode := f.Mode
	if mode.Type() == 0 && f.Link != "" {
		mode |= fs.ModeSymlink
	}
	if mode.Type() == 0 && strings.HasSuffix(f.Path, "/") {
		mode |= fs.ModeDir
	}
	if mode.Perm() == 0 && f.Open == nil && f.like == nil {
		switch mode.Type() {
		case fs.ModeDir:
			mode |= 0o755
		case fs.ModeSymlink:
			mode |= 0o777
		default:
			mode |= 0o644
		}
	}
	it := item{entry: Entry{Mode: mode, UID: f.UID, GID: f.GID, Link: f.Link, Caps: f.Caps}}
	if f.Hardlink != "" {
		it.hardlink = path.Clean("/" + f.Hardlink)
		if f.Mode == 0 && f.UID == 0 && f.GID == 0 && !f.Caps {
			it.entry.Mode |= ownSilent
		}
		return it, nil
	}
	if !mode.IsRegular() {
		return it, nil
	}
	it.entry.Size, it.content = int64(len(f.Data)), held(f.Data)
	if f.Data == nil && f.Size > 0 {
		it.entry.Size, it.content = f.Size, unavailable{errNotGiven}
	}
	it.entry.ELF = strings.HasPrefix(string(f.Data[:min(4, len(f.Data))]), elfMagic)
	switch {
	case f.like != nil:
		it.entry.Size, it.content, it.secrets = f.like.entry.Size, f.like.content, f.like.secrets
		it.entry.ELF, it.entry.NotGo, it.entry.Extra = f.like.entry.ELF, f.like.entry.NotGo, f.like.entry.Extra
	case f.Open != nil:
		it.entry.Size, it.content = f.Size, opener(f.Open)
	}
	return it, nil
}
