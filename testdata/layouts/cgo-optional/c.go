//go:build cgo

package main

// int one(void) { return 1; }
import "C"

var pure = C.one() != 1
