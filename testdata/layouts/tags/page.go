//go:build service

package main

import _ "embed"

//go:embed page.md
var page string
