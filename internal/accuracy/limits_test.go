package accuracy

// limits are the disagreements that are understood and not the rule's to settle, by cell and rule, with the cause.
var limits = map[string]string{}

// limitOf is the cause of a disagreement, "" if none is known.
func limitOf(j judgement) string { return limits[j.cell.String()+": "+j.rule] }

// unshown are the rules that no cell of the matrix shows firing rightly, with the reason.
var unshown = map[string]string{
	"libc-mismatch":     "no base here has the other libc under the loader's name, or an older glibc; internal/reality runs such roots",
	"resolver-fallback": "what is lost are names that only the missing source knows, and the peer answers for all names by DNS",
}
