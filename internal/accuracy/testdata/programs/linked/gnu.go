//go:build cgo && gnu

package linked

// #include <gnu/libc-version.h>
import "C"

import "errors"

func use() error {
	if C.GoString(C.gnu_get_libc_version()) == "" {
		return errors.New("glibc has no version")
	}
	return nil
}
