package reality

import "github.com/imgaudit/imgaudit/internal/elftest"

// architectureCells: what another processor's image does on this one cannot be seen here.
func architectureCells() []cell {
	cells := []cell{
		{name: "arm64 in an amd64 image", rule: "architecture-mismatch", runc: true, root: program("/app", "hello", arm64)},
		{name: "amd64 in an amd64 image", rule: "architecture-mismatch", runc: true, root: program("/app", "hello", static)},
	}
	for _, s := range []elftest.Spec{{Machine: "EM_RISCV"}, {Machine: "EM_ARM", Class: 32}, {Machine: "EM_S390", BigEndian: true}} {
		cells = append(cells, cell{name: s.Machine + " in an amd64 image", rule: "architecture-mismatch", runc: true, root: hollow("/app", s)})
	}
	return cells
}
