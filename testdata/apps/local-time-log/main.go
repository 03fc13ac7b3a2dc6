// Command local-time-log logs a line, which package log begins with the local time.
package main

import "log"

func main() { log.Println("started") }
