package layers_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// newKey is a private key, made for the test.
func newKey(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// secretLayers hold secrets that stay, that go, and that are in files of every size.
func secretLayers(t testing.TB) [][]layers.File {
	key := newKey(t)
	padded := func(before, after int) layers.File {
		return layers.File{Path: fmt.Sprintf("opt/%d-%d", before, after), Data: []byte(strings.Repeat("x", before) + "\n" + key + strings.Repeat("\n", after))}
	}
	return [][]layers.File{
		{file("srv/stays.pem", key), file("srv/deleted.pem", "# mine\n"+key), file("srv/dir/below.pem", key), file("srv/overwritten.pem", key),
			file("root/.netrc", "machine git.example login bot password hunter22\n"), file("srv/twice.pem", key), file("srv/twice.pem", "")},
		{{Path: "srv/.wh.deleted.pem"}, {Path: "srv/.wh.dir"}, file("srv/overwritten.pem", "empty"), file(".git/config", "url = https://bot:hunter22@git.example/\n")},
		{padded(0, 0), padded(65530, 10), padded(65535, 100<<10), padded(3<<20, 1), padded(10, 3<<20), {Path: "bin/elf", Data: []byte("\x7fELF" + key)}},
	}
}

const wantSecrets = `/srv/stays.pem private key at 0 in 0, hidden by -1
/srv/deleted.pem private key at 7 in 0, hidden by 1
/srv/dir/below.pem private key at 0 in 0, hidden by 1
/srv/overwritten.pem private key at 0 in 0, hidden by 1
/root/.netrc password at 39 in 0, hidden by -1
/srv/twice.pem private key at 0 in 0, hidden by 0
/.git/config password in a URL at 6 in 1, hidden by -1
/opt/0-0 private key at 1 in 2, hidden by -1
/opt/65530-10 private key at 65531 in 2, hidden by -1
/opt/65535-102400 private key at 65536 in 2, hidden by -1
/opt/3145728-1 private key at 3145729 in 2, hidden by -1
/opt/10-3145728 private key at 11 in 2, hidden by -1
`

func secretsText(f *layers.FS) string {
	var b strings.Builder
	for _, s := range f.Secrets() {
		fmt.Fprintf(&b, "%s %s at %d in %d, hidden by %d\n", s.Path, s.Shape, s.Offset, s.Layer, s.Hidden)
	}
	return b.String()
}

// TestSecrets finds the same secrets however the layers are stored.
func TestSecrets(t *testing.T) {
	stack := secretLayers(t)
	if got := secretsText(tree(t, stack...)); got != wantSecrets {
		t.Errorf("from files:\n%swant\n%s", got, wantSecrets)
	}
	for _, packing := range []imagetest.Packing{imagetest.Gzip, imagetest.Zstd, imagetest.Plain} {
		img := imagetest.Image{Layers: stack, Packing: map[int]imagetest.Packing{0: packing, 1: packing, 2: packing}}
		dir := t.TempDir()
		imagetest.WriteLayout(t, dir, "", img.Build(t))
		read, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{})
		check(t, err)
		if got := secretsText(read.FS); got != wantSecrets {
			t.Errorf("packing %d:\n%swant\n%s", packing, got, wantSecrets)
		}
	}
}

// TestTooManySecrets sees that a layer was not searched to its end.
func TestTooManySecrets(t *testing.T) {
	key := newKey(t)
	var files []layers.File
	for i := range 100 {
		files = append(files, file(fmt.Sprintf("srv/%d", i), strings.Repeat(key, 64)))
	}
	for n, want := range map[int][]int{63: nil, 64: {1}, 100: {1}} {
		f := tree(t, nil, files[:n])
		if got := f.SecretsCut(); !reflect.DeepEqual(got, want) || len(f.Secrets()) != min(n, 64)*64 {
			t.Errorf("%d files of 64 secrets: cut %v, want %v; %d are known", n, got, want, len(f.Secrets()))
		}
	}
}
