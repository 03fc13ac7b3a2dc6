//go:build sqlite

package linked

import (
	"database/sql"
	"errors"

	_ "github.com/mattn/go-sqlite3"
)

func use() error {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	n := 0
	if err := db.QueryRow("SELECT 6 * 7").Scan(&n); err != nil {
		return err
	}
	if n != 42 {
		return errors.New("SQL cannot count")
	}
	return nil
}
