package builds

// notBuilt lists the cases whose corrected Dockerfile cannot be built here, and why.
var notBuilt = map[string]string{
	"toolchain-mismatch/before-patches":    "every stand-in of golang is this machine's release, which the audit sees",
	"toolchain-mismatch/before-toolchains": "every stand-in of golang is this machine's release, which the audit sees",
}
