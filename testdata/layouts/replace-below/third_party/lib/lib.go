// Package lib has words.
package lib

// Words are words.
const Words = "replace-below"
