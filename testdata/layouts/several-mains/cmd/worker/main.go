package main

import "fmt"

func main() { fmt.Println("several-mains worker") }
