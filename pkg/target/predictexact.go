package target

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// exact foretells mkdir, chmod, chown and ln, of root, in an image that has them.
func (r *run) exact(name string, words []string) error {
	if !slices.Contains([]string{"chmod", "chown", "ln", "mkdir"}, name) {
		return fmt.Errorf("what %s does", name)
	}
	m := r.w.m
	if u, _, _ := strings.Cut(m.user, ":"); u != "" && u != "root" && u != "0" {
		return fmt.Errorf("%s of another user than root", name)
	}
	var flags, args []string
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-m" && name == "mkdir" && i+1 < len(words):
			flags = append(flags, "-m", words[i+1])
			i++
		case strings.HasPrefix(w, "-") && w != "-":
			flags = append(flags, w)
		default:
			args = append(args, w)
		}
	}
	if !r.has(name) {
		return fmt.Errorf("%s is not in the image", name)
	}
	for _, a := range args {
		if strings.ContainsAny(a, "*?[{~") {
			return fmt.Errorf("%s is given a pattern", name)
		}
	}
	switch name {
	case "mkdir":
		return r.mkdir(flags, args)
	case "chmod", "chown":
		return r.change(name, flags, args)
	}
	return r.link(flags, args)
}

// has reports whether the stage has a shell and a program.
func (r *run) has(name string) bool {
	found := func(name string) bool {
		e, err := r.w.dst.Resolve(name)
		return err == nil && e.Mode.IsRegular() && e.Mode&0o111 != 0
	}
	if !r.in.JSON && !found("/bin/sh") {
		return false
	}
	for _, dir := range strings.Split(r.variable("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ":") {
		if found(path.Join("/", dir, name)) {
			return true
		}
	}
	for _, v := range r.s.Env {
		if v.Key == "PATH" {
			for _, dir := range strings.Split(v.Value, ":") {
				if found(path.Join("/", dir, name)) {
					return true
				}
			}
		}
	}
	return found("/bin/"+name) || found("/usr/bin/"+name)
}

func (r *run) mkdir(flags, args []string) error {
	parents, mode := false, fs.FileMode(0o755)
	for i, f := range flags {
		switch {
		case f == "-p":
			parents = true
		case f == "-v":
		case f == "-m" && i+1 < len(flags):
			n, err := strconv.ParseUint(flags[i+1], 8, 32)
			if err != nil || n > 0o1777 || n == 0 {
				return fmt.Errorf("mkdir -m %s", flags[i+1])
			}
			mode = unixMode(n)
		case i > 0 && flags[i-1] == "-m":
		default:
			return fmt.Errorf("mkdir %s", f)
		}
	}
	for _, a := range args {
		at, err := rootPath(r.w.dst, r.at(a))
		if err != nil {
			return err
		}
		if err := untouched(r.w.m, at); err != nil {
			return err
		}
		dirs, err := missing(r.w.dst, at)
		if err != nil {
			return err
		}
		if !parents && len(dirs) != 1 {
			return fmt.Errorf("mkdir %s fails", a)
		}
		for i, d := range dirs {
			f := layers.File{Path: d[1:] + "/", Mode: fs.ModeDir | 0o755}
			if i == len(dirs)-1 {
				f.Mode = fs.ModeDir | mode
			}
			r.w.files = append(r.w.files, f)
		}
		if err := r.w.commit(); err != nil {
			return err
		}
	}
	return nil
}

// unixMode is the mode of a number as chmod takes it.
func unixMode(n uint64) fs.FileMode {
	mode := fs.FileMode(n & 0o777)
	if n&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// change foretells chmod and chown.
func (r *run) change(name string, flags, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%s fails", name)
	}
	deep := false
	for _, f := range flags {
		if f != "-R" {
			return fmt.Errorf("%s %s", name, f)
		}
		deep = true
	}
	for _, a := range args[1:] {
		at, err := rootPath(r.w.dst, r.at(a))
		if err != nil {
			return err
		}
		if err := untouched(r.w.m, at); err != nil {
			return err
		}
		if _, ok := r.w.dst.Entry(at); !ok {
			return fmt.Errorf("%s %s fails", name, a)
		}
		if err := r.changeAt(name, args[0], at, deep); err != nil {
			return err
		}
	}
	return r.w.commit()
}

// changeAt changes one path, or all below it.
func (r *run) changeAt(name, how, at string, deep bool) error {
	f, _ := r.w.dst.Like(at, at)
	if f.Mode&fs.ModeSymlink != 0 {
		return nil // chmod -R leaves links alone; so does chown -R where they lead out of it
	}
	switch name {
	case "chmod":
		n, err := strconv.ParseUint(how, 8, 32)
		if how == "+x" || how == "a+x" {
			n, err = uint64(f.Mode.Perm()|0o111), nil
		}
		if err != nil || n > 0o1777 || n == 0 {
			return fmt.Errorf("chmod %s", how)
		}
		f.Mode = f.Mode.Type() | unixMode(n)
	case "chown":
		if deep {
			return errors.New("chown -R")
		}
		user, group, both := strings.Cut(how, ":")
		o, err := ownerOf(r.w.dst, how, r.w.m.hazy)
		if err != nil {
			return err
		}
		if _, ok := numericID(user); !ok && len(entryOf(r.w.dst, "etc/passwd", user)) == 0 {
			return fmt.Errorf("chown %s fails", how)
		}
		if _, ok := numericID(group); both && !ok && len(entryOf(r.w.dst, "etc/group", group)) == 0 {
			return fmt.Errorf("chown %s", how)
		}
		if f.UID = o.uid; both {
			f.GID = o.gid
		}
		f.Caps = false
	}
	if f.Mode.IsDir() {
		f.Path += "/"
	}
	r.w.files = append(r.w.files, f)
	if !deep || !f.Mode.IsDir() {
		return nil
	}
	list, err := r.w.dst.ReadDir(orDot(at[1:]))
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := r.changeAt(name, how, path.Join(at, d.Name()), deep); err != nil {
			return err
		}
	}
	return nil
}

// link foretells ln -s.
func (r *run) link(flags, args []string) error {
	if len(args) != 2 || !slices.Contains([]string{"-s", "-sf", "-fs", "-snf", "-sfn"}, strings.Join(flags, " ")) {
		return errors.New("what ln does")
	}
	at := r.at(args[1])
	dir, err := rootPath(r.w.dst, path.Dir(at))
	if err != nil {
		return err
	}
	at = path.Join(dir, path.Base(at))
	if err := untouched(r.w.m, at); err != nil {
		return err
	}
	if e, err := r.w.dst.Resolve(dir); err != nil || !e.Mode.IsDir() {
		return errors.New("ln fails")
	}
	if e, ok := r.w.dst.Entry(at); ok && (flags[0] == "-s" || e.Mode.IsDir() || e.Mode&fs.ModeSymlink != 0) {
		return errors.New("what ln does to a file that is there")
	}
	r.w.files = append(r.w.files, layers.File{Path: at[1:], Mode: fs.ModeSymlink | 0o777, Link: args[0]})
	return r.w.commit()
}
