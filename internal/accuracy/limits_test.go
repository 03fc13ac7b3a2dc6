package accuracy

// limits are the disagreements that are understood and not the rule's to settle, by cell and rule, with the cause.
var limits = map[string]string{}

// limitOf is the cause of a disagreement, "" if none is known.
func limitOf(j judgement) string { return limits[j.cell.String()+": "+j.rule] }

// unshown are the rules of the table that no cell shows firing rightly, with the reason.
var unshown = map[string]string{}

// beside are the rules about images and programs that are not in the table, with the reason.
var beside = map[string]string{
	"name-service-switch-missing": "it speaks of programs built by a Go before 1.16, which is not to be had here",
	"cpu-limit-ignored":           "the runtime never takes fewer than 2 threads, and the matrix runs on 2 CPUs: a limit makes no difference that could be seen",
	"runs-as-root":                "no run fails: a cluster that demands runAsNonRoot refuses the image before it runs",
	"user-not-numeric":            "no run fails: a cluster that demands runAsNonRoot refuses the image before it runs",
	"setuid-shipped":              "no run fails: somebody has to misuse the rights",
	"toolchain-unsupported":       "it speaks of a date, not of a run",
	"base-end-of-life":            "it speaks of a date, not of a run",
	"build-not-reproducible":      "it takes two builds: imgaudit prove --reproducible",
	"does-not-build":              "it speaks of the build, not of a run",
	"build-modified":              "it speaks of what is in the program, which runs all the same",
	"debug-info-shipped":          "it speaks of what is in the program, which runs all the same",
	"secret-in-layer":             "it speaks of what is in the image, which runs all the same",
	"secret-in-config":            "it speaks of what is in the image, which runs all the same",
	"build-leftovers":             "it speaks of what is in the image, which runs all the same",
	"package-manager-shipped":     "it speaks of what is in the image, which runs all the same",
	"layer-waste":                 "it speaks of what is in the image, which runs all the same",
}
