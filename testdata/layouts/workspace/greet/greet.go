// Package greet greets.
package greet

// Words are the greeting.
const Words = "workspace"
