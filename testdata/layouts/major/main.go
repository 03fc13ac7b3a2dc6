package main

import (
	"fmt"

	"example.com/shop.app/v2/name"
)

func main() {
	fmt.Println("major", name.Name())
}
