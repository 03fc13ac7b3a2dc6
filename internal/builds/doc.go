// Package builds really builds what imgaudit writes. Its tests take every fix of the rule cases, every whole-system
// example of testdata/fix and every generated file of testdata/layouts, build it with BuildKit on stand-ins of the public
// base images, and audit or run the result: the finding is gone.
//
// It holds tests only.
package builds
