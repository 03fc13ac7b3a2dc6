// Command zone loads a named time zone.
package main

import (
	"fmt"
	"log"
	"time"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer:", time.Unix(0, 0).In(zone).Format("15:04 -0700"))
}
