// Package prove builds an image, runs it under faults, observes what happens, and compares that with what the audit
// foretold. It is the only package that executes what it audits, always in a container without a route to any network.
//
// It must never judge an image by itself (the prediction comes from the rules it is given), never report as passed what
// was not seen, and never leave anything behind: containers, mounts, images, files.
package prove
