package main

import (
	"fmt"
	"time"
)

func main() {
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		panic(err)
	}
	at := time.Unix(0, 0).In(zone)
	fmt.Println("zones", at.Format("15:04 MST"))
}
