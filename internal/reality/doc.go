// Package reality holds the proof that what the rules foretell is true: its tests start real programs in real root
// directories, as PID 1 and as the image's user, and compare what happened with what the audit says of the same files.
//
// It must never be imported, and it judges nothing by itself: whatever a cell expects is what the rules said.
package reality
