package main

import (
	"fmt"
	"time"
)

func main() { fmt.Println("hour", time.Unix(0, 0).Local().Format("15 -0700")) }
