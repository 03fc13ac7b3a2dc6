package layers

import (
	"bytes"
	"strings"
	"syscall"
)

const (
	scriptHead = 256 // bytes of a file the kernel looks at: BINPRM_BUF_SIZE
	maxScripts = 5   // interpreters of interpreters
)

// shebang reads a "#!" line as the kernel does: ok is false if head has none; errno is ENOEXEC for one without an
// interpreter or cut off. A CR before the newline belongs to the interpreter or its argument.
// Source: fs/binfmt_script.c load_script.
func shebang(head []byte) (interpreter, arg string, ok bool, errno error) {
	line, ok := bytes.CutPrefix(head, []byte("#!"))
	if !ok {
		return "", "", false, nil
	}
	end := bytes.IndexByte(line, '\n')
	if end < 0 {
		trimmed := strings.TrimLeft(string(line), " \t")
		if len(head) >= scriptHead && !strings.ContainsAny(trimmed, " \t\x00") {
			return "", "", true, syscall.ENOEXEC // the interpreter's name may be cut off
		}
		end = len(line)
	}
	text := strings.Trim(string(line[:end]), " \t")
	text, _, _ = strings.Cut(text, "\x00")
	interpreter = text
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		interpreter, arg = text[:i], strings.TrimLeft(text[i:], " \t")
	}
	if interpreter == "" {
		return "", "", true, syscall.ENOEXEC
	}
	return interpreter, arg, true, nil
}
