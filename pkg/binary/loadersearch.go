package binary

import "errors"

// The ways by which a library is found: Library.Via.
const (
	viaRPath   = "rpath"
	viaRunPath = "runpath"
	viaEnv     = "LD_LIBRARY_PATH"
	viaCache   = "ld.so.cache"
	viaDefault = "default path"
	viaMusl    = "musl path"
	viaLoader  = "loader itself"
	viaPath    = "path" // the name has a slash

	// Not ways but askers: Library.By of what is preloaded.
	viaPreload     = "LD_PRELOAD"
	viaPreloadFile = "/etc/ld.so.preload"
)

// Limits of one simulation. Each is far above what real programs need.
const (
	maxLookups = 1 << 16   // paths opened and libraries asked for
	maxSteps   = 1 << 20   // path elements looked at on the way
	maxHeld    = 512 << 20 // bytes of symbols
	maxMissing = 10000     // missing symbols and versions reported
)

// errLimit is what every lookup gives after the last one allowed.
var errLimit = errors.New("the program asks for more than a loader's simulation may do")

// within counts a library asked for and says whether the simulation may go on; when it may not, the report says so.
func (s *simulation) within() bool {
	if s.tree.lookups++; s.tree.lookups > maxLookups || s.tree.steps > maxSteps || s.held > maxHeld {
		s.unread(s.program.name, errLimit)
		return false
	}
	return true
}

// searchList is a list of directories and where it came from.
type searchList struct {
	via  string
	dirs []string
}
