package rules_test

import (
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/rules"
)

// TestYields finds names of rules in Yields that no rule has.
func TestYields(t *testing.T) {
	checks := 0
	for _, r := range rules.All() {
		if strings.HasPrefix(r.ID, "buildkit/") {
			checks++
		}
		for _, id := range r.Yields {
			if rules.Find(id) == nil {
				t.Errorf("%s yields to %s, which is no rule", r.ID, id)
			}
		}
	}
	if checks != 22 { // linter/ruleset.go of BuildKit v0.34.1
		t.Errorf("%d of BuildKit's checks", checks)
	}
}
