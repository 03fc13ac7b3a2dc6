// Command localtime tells the local time; its images set TZ.
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
	fmt.Println("answer:", time.Unix(0, 0).Format("15:04 -0700"))
}
