// Command zone-utc asks for zones that are no files: a trap.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	for _, load := range []func() (*time.Location, error){
		func() (*time.Location, error) { return time.LoadLocation("UTC") },
		func() (*time.Location, error) { return time.LoadLocation("") },
	} {
		zone, err := load()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(time.Unix(0, 0).In(zone).Hour())
	}
}
