//go:build cgo && newer

package linked

// int newer(void);
import "C"

import "errors"

func use() error {
	if C.newer() != 1 {
		return errors.New("the newer glibc is not there")
	}
	return nil
}
