// Command local-time-utc prints a time that no setting of the machine changes: a trap.
package main

import (
	"fmt"
	"time"
)

func main() { fmt.Println(time.Now().UTC().Format(time.RFC3339)) }
