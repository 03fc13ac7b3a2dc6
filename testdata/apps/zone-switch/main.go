// Command zone-switch names its zone in a switch that compiles to a jump table: a trap for a reader of constants.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	name := "Asia/Shanghai"
	switch len(os.Args) {
	case 2:
		name = "Europe/Paris"
	case 3:
		name = "Europe/Rome"
	case 4:
		name = "Europe/Oslo"
	case 5:
		name = "Asia/Tokyo"
	case 6:
		name = "Asia/Seoul"
	case 7:
		name = "Asia/Dubai"
	case 8:
		name = "Asia/Kabul"
	case 9:
		name = "Asia/Hovd"
	case 10:
		name = "Asia/Gaza"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Unix(0, 0).In(zone).Hour())
}
