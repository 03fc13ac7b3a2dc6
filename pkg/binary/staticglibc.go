package binary

// noteABI names the system that the start files of glibc were made for. Those of musl have no such note, and Go's own
// linker writes none for Linux. Source: glibc csu/abi-note.c; elf.h, NT_GNU_ABI_TAG.
const noteABI = 1

// nameServiceCalls are those calls into libc that ask its name service switch; before Go 1.20 cgo named them.
// Source: net/cgo_unix_cgo.go, os/user/cgo_lookup_cgo.go; their predecessors in Go 1.19.
var nameServiceCalls = []string{
	getaddrinfo, oldGetaddrinfo, "os/user._C_getpwnam_r", "os/user._C_getpwuid_r", "os/user._C_getgrnam_r", "os/user._C_getgrgid_r",
	"os/user._Cfunc_mygetpwnam_r", "os/user._Cfunc_mygetpwuid_r", "os/user._Cfunc_mygetgrnam_r", "os/user._Cfunc_mygetgrgid_r",
}

var staticGlibc = detector{names: nameServiceCalls, detect: detectStaticGlibc}

// detectStaticGlibc finds the libraries that a program without a loader takes all the same: glibc brings the sources
// files and dns (since 2.34), and loads every other that /etc/nsswitch.conf names. Which that are is not in the program.
// Source: nsswitch.conf(5), and what the linker warns of ("requires at runtime the shared libraries from the glibc
// version used for linking").
func detectStaticGlibc(p *program, b *Binary) {
	if b.Layout.StaticLibc != Glibc {
		return
	}
	for _, name := range nameServiceCalls {
		if p.linked[name] {
			b.addNeed(TopicLibraries, []fact{{certainty: Possible, evidence: Evidence{
				Text: "links " + name + " with glibc inside: libnss_NAME.so.2 is loaded for each source of /etc/nsswitch.conf but files and dns, and with it libc.so.6 and its loader",
			}}})
			return
		}
	}
}
