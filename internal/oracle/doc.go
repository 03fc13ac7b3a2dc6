// Package oracle compares what pkg/dockerfile reads with what BuildKit itself says: its package dockerfile2llb, which
// resolves stages, expands variables and lints. That package brings some three hundred others, so it is a test's alone, in
// a module of its own.
package oracle
