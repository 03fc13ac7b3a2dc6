//go:build !cgo

package main

const pure = true
