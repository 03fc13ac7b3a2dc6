package builds

// notBuilt lists the cases whose corrected Dockerfile cannot be built here, and why.
var notBuilt = map[string]string{}
