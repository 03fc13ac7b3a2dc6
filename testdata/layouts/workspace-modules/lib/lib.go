// Package lib has words.
package lib

import "github.com/pkg/errors"

// Words are the words.
var Words = errors.New("workspace-modules").Error()
