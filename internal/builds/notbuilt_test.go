package builds

// notBuilt lists the cases whose corrected Dockerfile cannot be built here, and why.
var notBuilt = map[string]string{
	"secret-in-build/argument-in-build-stage":          "the stand-in of golang has no git",
	"ca-roots-missing/no-extension-of-what-is-removed": "the stand-in of alpine removes no packages",
	"cache-mount-missing/modules-copied":               "nobody serves the module",
	"cgo-without-compiler/example":                     "the stand-in of alpine has no C compiler to install",
	"cgo-without-compiler/existing-apk":                "the stand-in of alpine has no C compiler to install",
	"cgo-without-compiler/sqlite-default":              "nobody serves the module",
	"cgo-without-compiler/sqlite-optional":             "nobody serves the module",
	"cgo-without-compiler/virtual":                     "the stand-in of alpine knows no groups of packages",
	"mime-types-missing/fix":                           "the stand-in of alpine has neither go nor mailcap to install",
	"static-flag-ineffective/install":                  "nobody serves the module",
	"toolchain-mismatch/before-patches":                "every stand-in of golang is this machine's release",
	"toolchain-mismatch/before-toolchains":             "every stand-in of golang is this machine's release",
	"vcs-unavailable/asked":                            "the stand-in of alpine has no git to install",
	"zoneinfo-missing/built-by-make":                   "the stand-in of golang has no make",
	"zoneinfo-missing/installed-in-a-stage":            "nobody knows what the base installs with",
}
