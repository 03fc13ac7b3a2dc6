package main

// #include "sum.h"
import "C"

import "fmt"

func main() { fmt.Println("c-plus-plus", C.sum(40, 2)) }
