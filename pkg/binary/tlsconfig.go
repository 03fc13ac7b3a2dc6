package binary

import "slices"

// configKind says what the code that makes a crypto/tls.Config does to the verification of servers.
type configKind int

const (
	configOther    configKind = iota // nothing that is seen
	configOwn                        // sets RootCAs
	configInsecure                   // sets InsecureSkipVerify to true at once, on every way
)

// maxAfterConfig is how many instructions after its allocation the fields of a literal are set in.
const maxAfterConfig = 32

// configsIn returns what becomes of every crypto/tls.Config that a function allocates, in order. What is set after a
// branch may not be set at all: that does for RootCAs, whose store a write barrier precedes, and which is never taken
// for proof.
func (p *program) configsIn(fn int32) []configKind {
	var kinds []configKind
	first, straight, left := argumentRegisters[p.m.f.machine], false, 0
	p.track(fn, func(_ int64, s step, after *registers) {
		straight = straight && s.flow == flowNext
		if left--; left > 0 {
			last := &kinds[len(kinds)-1]
			switch {
			case straight && s.flag == int64(p.insecure):
				*last = configInsecure
			case s.put == int64(p.rootCAs) && *last == configOther:
				*last = configOwn
			}
		}
		if s.flow == flowCall && len(first) > 0 && slices.Contains(p.configs, after.r[first[0]].n) {
			kinds, straight, left = append(kinds, configOther), true, maxAfterConfig
		}
	})
	return kinds
}

// defaultClient are the functions that use net/http's default client, whatever else the program makes.
var defaultClient = []string{"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm"}

// ownVerification judges clients whose every use stands in a function that makes their configuration: configInsecure if
// none of them verifies, configOwn if each has roots of its own or does not verify, else configOther. One configuration
// per use is asked for, so that none is left for a default one.
func (p *program) ownVerification(clients []string) configKind {
	if p.graph == nil || p.insecure == 0 || p.rootCAs == 0 || len(p.usesOf(defaultClient, isStandard)) > 0 {
		return configOther
	}
	uses := map[int32]int{}
	for _, u := range p.usesOf(clients, isStandard) {
		if u.how == addressTaken {
			return configOther
		}
		uses[u.caller]++
	}
	all := configInsecure
	for fn, count := range uses {
		kinds := p.configsIn(fn)
		if _, made := slices.BinarySearch(p.graph.marks, fn); !made || len(kinds) != count {
			return configOther
		}
		all = min(all, slices.Min(kinds))
	}
	if len(uses) == 0 {
		return configOther
	}
	return all
}
