module example.com/lib

go 1.25

require github.com/pkg/errors v0.9.1
