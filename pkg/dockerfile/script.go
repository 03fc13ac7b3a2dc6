package dockerfile

import "sync"

// Script is the parsed shell text of a RUN, or of the shell form of CMD, ENTRYPOINT or HEALTHCHECK: its spans are
// offsets of that text, which Instruction.At maps to the file. It is nil when there is no such text, when it does not
// parse, and when the stage's SHELL reads another language. It is parsed when first asked for and then kept; it must not
// be changed. Several goroutines may ask at once.
func (i *Instruction) Script() *Script {
	if i.parsed == nil {
		return nil
	}
	return i.parsed()
}

// parseLater makes what Script calls.
func (i *Instruction) parseLater() func() *Script {
	if i.script == nil || i.script.s == "" {
		return nil
	}
	return sync.OnceValue(func() *Script {
		script, err := ParseShell(i.script.s)
		if err != nil {
			return nil
		}
		return script
	})
}
