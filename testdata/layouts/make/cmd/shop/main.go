package main

import "fmt"

var version = "none"

func main() { fmt.Println("make", version, edition) }
