//go:build cgo && cxx

package linked

// int words();
import "C"

import "errors"

func use() error {
	if C.words() != 2 {
		return errors.New("C++ cannot count")
	}
	return nil
}
