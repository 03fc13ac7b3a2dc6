// Package lib has words.
package lib

import _ "embed"

// Words are embedded.
//
//go:embed words.md
var Words string
