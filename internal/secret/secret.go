// Package secret is the one table of shapes that nothing but a secret has, and a search for them in bytes, in the words
// of a configuration, and in the files that programs keep their credentials in.
//
// It must never guess by entropy, never keep or return the value of a secret, and never judge where one was found.
package secret

// Found is a secret in a text.
type Found struct {
	Shape  string // without an article: "GitHub token"
	Offset int64  // where it begins, in bytes
}

// Reach is how many bytes behind its beginning a secret is looked at: the longest, a private RSA key of 16384 bits in
// PEM, has 12,700. A caller that searches a stream must hand in that much beyond the bytes it asks about.
const Reach = 16 << 10

// Find calls see for every secret that begins in text[:n], in their order; text may reach on. It reads the text once.
func Find(text []byte, n int, see func(shape string, at int)) {
	n = min(n, len(text))
	done := 0 // end of the last secret: there is none in it
	candidates(text, n, func(at int, a *anchor) {
		if at < done {
			return
		}
		if shape, size := a.match(text, at); size > 0 {
			see(shape, at)
			done = at + size
		}
	})
}

// In returns the shape of the first secret in a text, "" if there is none.
func In(text string) string {
	found := ""
	Find([]byte(text), len(text), func(shape string, _ int) {
		if found == "" {
			found = shape
		}
	})
	return found
}
