// Package matrix holds the proof that what pkg/binary reads is true: its tests build programs, whose truth was written by
// hand from their sources, in many ways and with many Go versions, and compare; and they hold real binaries against
// what these do.
//
// It must never be imported. A disagreement is a fault of pkg/binary or a limit that is listed by name, never a reason
// to change a truth.
package matrix
