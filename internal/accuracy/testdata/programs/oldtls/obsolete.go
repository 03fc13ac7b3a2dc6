//go:build obsolete

//go:debug tls10server=1
package main
