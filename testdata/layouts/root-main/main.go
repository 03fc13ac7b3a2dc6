package main

import "fmt"

func main() { fmt.Println("root-main") }
