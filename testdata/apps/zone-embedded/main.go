// Command zone-embedded needs the zone Europe/Berlin and brings the zone database itself.
package main

import (
	"fmt"
	"os"
	"time"
	_ "time/tzdata"
)

func main() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Unix(0, 0).In(berlin).Hour())
}
