// Command zone needs the zone Asia/Shanghai.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Unix(0, 0).In(shanghai).Hour())
}
