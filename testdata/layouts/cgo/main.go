package main

/*
#include <stdlib.h>

static long add(const char *n) { return strtol(n, 0, 10) + 1; }
*/
import "C"

import "fmt"

func main() { fmt.Println("cgo", C.add(C.CString("41"))) }
