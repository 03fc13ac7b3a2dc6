// Command zone-dynamic needs the zone that its environment names.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	zone, err := time.LoadLocation(os.Getenv("APP_ZONE"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Unix(0, 0).In(zone).Hour())
}
