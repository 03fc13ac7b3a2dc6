// Package dep has words.
package dep

import _ "embed"

// Words are embedded.
//
//go:embed words.md
var Words string
