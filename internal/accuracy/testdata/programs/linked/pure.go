//go:build !cgo && !sqlite

package linked

func use() error { return nil }
