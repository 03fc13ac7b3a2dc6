package source

import "strings"

// cgoOnly are modules that are bindings of C libraries, or import one (gorm.io/driver/sqlite): without cgo they do not build,
// or build and fail when they are called (go-sqlite3: "Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to
// work").
var cgoOnly = []string{
	"github.com/DataDog/zstd", "github.com/bytecodealliance/wasmtime-go", "github.com/confluentinc/confluent-kafka-go",
	"github.com/coreos/go-systemd/sdjournal", "github.com/davidbyttow/govips", "github.com/duckdb/duckdb-go",
	"github.com/go-gl/gl", "github.com/godror/godror", "github.com/google/gopacket/pcap", "github.com/h2non/bimg",
	"github.com/libgit2/git2go", "github.com/linxGnu/grocksdb", "github.com/marcboeker/go-duckdb",
	"github.com/mattn/go-oci8", "github.com/mattn/go-sqlite3", "github.com/miekg/pkcs11", "github.com/mutecomm/go-sqlcipher",
	"github.com/pebbe/zmq4", "github.com/rogchap/v8go", "github.com/seccomp/libseccomp-golang", "github.com/tecbot/gorocksdb",
	"github.com/valyala/gozstd", "github.com/wasmerio/wasmer-go", "gocv.io/x/gocv", "gopkg.in/confluentinc/confluent-kafka-go.v1",
	"gopkg.in/gographics/imagick.v2", "gopkg.in/gographics/imagick.v3", "gorm.io/driver/sqlite", "rogchap.com/v8go",
}

// NeedsCgo reports whether an import path is of a module that is nothing without cgo.
func NeedsCgo(importPath string) bool {
	for _, m := range cgoOnly {
		if rest, ok := strings.CutPrefix(importPath, m); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return importPath == "runtime/cgo"
}
