package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("works", time.Unix(0, 0).In(zone).Format(time.RFC3339))
}
