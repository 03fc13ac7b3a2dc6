// Package linked is what a variant adds to every program: nothing, C, C++, or a database that needs cgo.
package linked

// Check uses what was linked.
func Check() error { return use() }
