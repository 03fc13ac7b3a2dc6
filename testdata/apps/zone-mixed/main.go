// Command zone-mixed needs two zones by name and one by its environment, which may be UTC.
package main

import (
	"fmt"
	"os"
	"time"
)

func hour(zone *time.Location, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return time.Unix(0, 0).In(zone).Hour()
}

// report is called through a value, as handlers are.
var report = func() int { return hour(time.LoadLocation("America/New_York")) }

func main() {
	name := "UTC"
	if given := os.Getenv("APP_ZONE"); given != "" {
		name = given
	}
	fmt.Println(hour(time.LoadLocation("Asia/Tokyo")), report(), hour(time.LoadLocation(name)))
}
