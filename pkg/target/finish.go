package target

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// Finish ends the audit of subjects, after their rules have run: what was read of their images is kept for the next
// audit, and what could not be read when a rule asked for it is unread.
func Finish(subjects []*audit.Subject) {
	for _, s := range subjects {
		if s.Image == nil {
			continue
		}
		s.Image.Remember()
		for _, u := range s.Image.ReadErrors() {
			if !said(s.Unread, u.Because) {
				s.Unread = append(s.Unread, audit.Unread{What: s.Image.Ref + ", " + u.What, Because: u.Because})
			}
		}
	}
}

// said reports whether some unread part names this reason already.
func said(list []audit.Unread, because string) bool {
	for _, u := range list {
		if strings.Contains(u.Because, because) {
			return true
		}
	}
	return false
}
