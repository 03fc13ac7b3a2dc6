//go:build linux && service

package main

import "fmt"

func main() { fmt.Print("tags ", page) }
