// Package accuracy measures how often the audit is right: its tests put programs that need one thing each, compiled in
// every way, on every kind of base image, foretell with the rules what will happen, run the image, and count per rule.
// docs/accuracy.md is what they counted.
//
// It must never be imported. A disagreement is a fault of a rule, or is listed by name with its cause; what was seen is
// never changed to what was foretold.
package accuracy
