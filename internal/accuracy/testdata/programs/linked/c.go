//go:build cgo && !cxx && !sqlite && !gnu && !newer && !standard

package linked

/*
#include <stdlib.h>
static int twice(int n) { return 2 * n; }
*/
import "C"

import "errors"

func use() error {
	if C.twice(21) != 42 {
		return errors.New("C cannot count")
	}
	return nil
}
