package dep

import _ "embed"

//go:embed page.md
var Page string
