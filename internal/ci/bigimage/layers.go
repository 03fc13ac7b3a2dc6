package main

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// layer is one layer: how it is packed, by which step, and what writes its entries.
type layer struct {
	packing, step string
	write         func(*writer)
}

// layers describes the image, lowest layer first.
func (s size) layers() []layer {
	if s.tiny > 0 {
		return []layer{
			{"gzip", "COPY many /srv # buildkit", s.crumbs},
			{"gzip", "COPY --from=build /out/server /app/server # buildkit", s.app}}
	}
	all := []layer{
		{"gzip", "/bin/sh -c #(nop) ADD file:base in / ", s.base},
		{"gzip", "RUN /bin/sh -c tar -C /usr/local -xzf go.tar.gz # buildkit", s.toolchain},
	}
	for k := 2; k < 7; k++ {
		packing := "gzip"
		if k == 4 || k == 6 {
			packing = "zstd"
		}
		all = append(all, layer{packing, fmt.Sprintf("RUN /bin/sh -c make step%d # buildkit", k), func(w *writer) { s.many(w, k) }})
	}
	return append(all,
		layer{"gzip", "RUN /bin/sh -c rm -rf /root/.aws /srv/k3/d0001 # buildkit", s.deletions},
		layer{"gzip", "COPY links /opt/links # buildkit", links},
		layer{"gzip", "RUN /bin/sh -c fill # buildkit", oddities},
		layer{"plain", "COPY dup /etc/dup # buildkit", duplicates},
		layer{"zstd", "COPY --from=build /out/server /app/server # buildkit", s.app})
}

// each is how many small files a layer gets.
func (s size) each() int { return s.files / 6 }

// name is the path of a small file.
func (s size) name(layer, i int) string {
	return fmt.Sprintf("srv/k%d/d%04d/f%06d", layer, i/300, layer*s.each()+i)
}

// base is a distribution: many small files.
func (s size) base(w *writer) {
	for _, dir := range strings.Fields("etc etc/ssl etc/ssl/certs usr usr/lib usr/share tmp var var/cache srv opt root") {
		w.dir(dir, 0o755)
	}
	w.file("etc/os-release", []byte("ID=debian\nVERSION_ID=\"12\"\n"))
	w.file("etc/passwd", []byte("root:x:0:0::/root:/bin/sh\nnobody:x:65532:65532::/:/sbin/nologin\n"))
	for i := range s.each() {
		if i%200 == 0 {
			w.dir(fmt.Sprintf("usr/share/d%04d", i/200), 0o755)
		}
		w.file(fmt.Sprintf("usr/share/d%04d/f%06d", i/200, i), w.pool.text(i, [...]int{60, 300, 900, 2500, 6000}[w.dice.IntN(5)]))
	}
}

// toolchain copies a Go toolchain, its tests left out: real programs, archives, sources.
func (s size) toolchain(w *writer) {
	if s.goroot == "" {
		return
	}
	w.check(filepath.WalkDir(s.goroot, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "test" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.goroot, name)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		w.entry(tar.Header{Name: "usr/local/go/" + filepath.ToSlash(rel), Mode: mode}, data)
		return nil
	}))
}

// many writes layer k: many small files, a big one, and a new version of a file of the layer below.
func (s size) many(w *writer, k int) {
	w.dir(fmt.Sprintf("srv/k%d", k), 0o755)
	for i := range s.each() {
		if i%300 == 0 {
			w.dir(fmt.Sprintf("srv/k%d/d%04d", k, i/300), 0o755)
		}
		w.file(s.name(k, i), w.pool.text(k*s.each()+i, [...]int{60, 300, 900, 2500, 6000, 20_000}[w.dice.IntN(6)]))
	}
	w.big(fmt.Sprintf("srv/k%d/blob.bin", k), k, int64(s.mib)<<20/9)
	w.big("srv/rewritten.dat", k*31, 8<<20)
	if k == 3 {
		w.file("root/.aws/credentials", []byte("[default]\naws_access_key_id = AKIA"+"QWERTYUIOPASDFGH"+"\naws_secret_access_key = "+strings.Repeat("a1B2", 10)+"\n"))
	}
}

// crumbs writes tiny files only.
func (s size) crumbs(w *writer) {
	for i := range s.tiny {
		w.file(fmt.Sprintf("srv/%03d/package-%03d/f%06d", i/100_000, i/1000%100, i), []byte("tiny"))
	}
}

// deletions takes away a secret, many files one by one, a directory, and what is in another one.
func (s size) deletions(w *writer) {
	w.file("root/.aws/.wh.credentials", nil)
	for i := range min(s.whiteouts, s.each()) {
		dir, base := filepath.Split(s.name(2, i))
		w.file(dir+".wh."+base, nil)
	}
	w.file("srv/k3/.wh.d0001", nil)
	w.dir("srv/k4/d0000", 0o755)
	w.file("srv/k4/d0000/.wh..wh..opq", nil)
	w.file("srv/k4/d0000/only", []byte("survivor\n"))
}

// links are hard links, one into a lower layer, and symlinks that loop, lead nowhere, out of the image, or far.
func links(w *writer) {
	w.dir("opt/links", 0o755)
	w.file("opt/links/a", []byte(strings.Repeat("x", 5000)))
	for i := range 3000 {
		w.hardlink(fmt.Sprintf("opt/links/h%d", i), "opt/links/a")
	}
	w.hardlink("opt/links/lower", "usr/share/d0000/f000001")
	for _, l := range [][2]string{{"l1", "l2"}, {"l2", "l1"}, {"self", "self"}, {"abs", "/etc/passwd"}, {"up", "../../../../../../etc/shadow"}, {"dangling", "/nope/nope"}} {
		w.symlink("opt/links/"+l[0], l[1])
	}
	for i := range 60 {
		w.symlink(fmt.Sprintf("opt/links/chain%d", i), fmt.Sprintf("chain%d", i+1))
	}
	w.file("opt/links/chain60", []byte("end"))
	w.symlink("lib64", "usr/lib")
}

// oddities are long names, names that are not ASCII, a setuid program and 256 MiB of zeros.
func oddities(w *writer) {
	dir := "var"
	for range 12 {
		dir += "/" + strings.Repeat("n", 120)
		w.dir(dir, 0o755)
	}
	for i := range 200 {
		w.file(fmt.Sprintf("%s/%s%d", dir, strings.Repeat("f", 180), i), []byte("1"))
	}
	w.file("var/文件-éü.txt", []byte("utf8"))
	w.entry(tar.Header{Name: "usr/lib/suid", Mode: 0o4755}, []byte("#!/bin/sh\n"))
	w.zeros("var/cache/zeros", 256<<20)
	w.dir("tmp", 0o1777)
}

// duplicates has one path twice, and a file in the place of a directory.
func duplicates(w *writer) {
	w.file("etc/dup", []byte("first\n"))
	w.file("etc/dup", []byte("second\n"))
	w.file("srv/k5", []byte("dir became a file\n"))
}

// app is the service: a Go program, this one.
func (s size) app(w *writer) {
	self, err := os.Executable()
	w.check(err)
	data, err := os.ReadFile(self)
	w.check(err)
	w.entry(tar.Header{Name: "app/server", Mode: 0o755, Uid: 65532, Gid: 65532}, data)
}
