// Command local-time-log-utc logs a line without the local time.
package main

import "log"

func main() {
	log.SetFlags(log.LUTC | log.LstdFlags)
	log.Println("started")
}
