// Package imgaudit is the root of the module. The program is in cmd/imgaudit, the library in pkg, and the picture of
// both in docs/architecture.md. Nothing but tests of the whole tree lives here.
package imgaudit
