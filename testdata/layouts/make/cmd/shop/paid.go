//go:build paid

package main

const edition = "paid"
