package source_test

import (
	"testing"

	"github.com/imgaudit/imgaudit/pkg/source"
)

func TestNeedsCgo(t *testing.T) {
	for path, want := range map[string]bool{
		"github.com/mattn/go-sqlite3": true, "gorm.io/driver/sqlite": true, "github.com/pebbe/zmq4/draft": true, "runtime/cgo": true,
		"gorm.io/driver/sqliteother": false, "gorm.io/driver/postgres": false, "github.com/glebarez/sqlite": false, "net": false,
	} {
		if got := source.NeedsCgo(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
