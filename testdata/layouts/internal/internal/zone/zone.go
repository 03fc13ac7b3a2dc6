// Package zone knows one time zone.
package zone

import "time"

// Offset is how far Tokyo is from Greenwich.
func Offset() string {
	loc, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		return err.Error()
	}
	return time.Unix(0, 0).In(loc).Format("-0700")
}
