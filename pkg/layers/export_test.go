package layers

import "time"

// Impatient gives options under which a registry may keep silent for a moment only.
func Impatient(opt Options) Options {
	opt.patience = patience{dial: time.Second, answer: 200 * time.Millisecond, idle: 200 * time.Millisecond, pause: time.Millisecond}
	return opt
}
