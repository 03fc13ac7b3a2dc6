// Package lazyregexp is regexp for package-level variables: an expression is compiled when it is first used. A command
// starts with a hundred of them, and most runs need few.
//
// It must never do more than package regexp does.
package lazyregexp

import (
	"regexp"
	"sync"
)

// Regexp is an expression that is compiled once, by whoever uses it first.
type Regexp struct {
	text     string
	once     sync.Once
	compiled *regexp.Regexp
}

// New is an expression in the syntax of package regexp; one that does not compile panics when it is first used.
func New(text string) *Regexp { return &Regexp{text: text} }

// get compiles the expression.
func (r *Regexp) get() *regexp.Regexp {
	r.once.Do(func() { r.compiled = regexp.MustCompile(r.text) })
	return r.compiled
}

// The methods are those of regexp.Regexp.

func (r *Regexp) MatchString(s string) bool              { return r.get().MatchString(s) }
func (r *Regexp) FindString(s string) string             { return r.get().FindString(s) }
func (r *Regexp) FindStringIndex(s string) []int         { return r.get().FindStringIndex(s) }
func (r *Regexp) FindStringSubmatch(s string) []string   { return r.get().FindStringSubmatch(s) }
func (r *Regexp) FindStringSubmatchIndex(s string) []int { return r.get().FindStringSubmatchIndex(s) }
func (r *Regexp) FindAllString(s string, n int) []string { return r.get().FindAllString(s, n) }
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.get().FindAllStringSubmatch(s, n)
}
func (r *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return r.get().FindAllStringSubmatchIndex(s, n)
}
func (r *Regexp) ReplaceAllString(s, by string) string { return r.get().ReplaceAllString(s, by) }
