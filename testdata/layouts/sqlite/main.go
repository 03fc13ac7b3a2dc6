package main

import (
	"database/sql"
	"fmt"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	var words string
	if err := db.QueryRow("select 'sqlite'").Scan(&words); err != nil {
		panic(err)
	}
	fmt.Println(words)
}
