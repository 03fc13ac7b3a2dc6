module example.com/app

go 1.25

require github.com/pkg/errors v0.9.1

exclude github.com/pkg/errors v0.9.0

retract (
	v1.0.0 // by mistake
	[v1.1.0, v1.2.0]
)
