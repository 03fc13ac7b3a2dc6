//go:build (!cgo || standard) && !sqlite

package linked

func use() error { return nil }
