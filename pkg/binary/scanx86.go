package binary

import "encoding/binary"

// scanAMD64 looks for CALL rel32 (E8), JMP rel32 (E9) and LEA reg, [RIP+disp32] (48/4C 8D /r, mod 00, rm 101) at
// every byte. Source: Intel SDM, volume 2.
func (s *scanner) scanAMD64(address uint64, b []byte, n int) {
	base := uint32(address - s.text)
	end := uint64(s.fns.end)
	border := s.next()
	n = min(n, len(b)-6) // the last instruction of the text is shorter
	for i := 0; i <= n; i++ {
		if !telling[b[i]] {
			continue
		}
		if b[i] == leaAMD64 { // looked for by its second byte, which is rarer than the first
			at := base + uint32(i) - 1
			if i == 0 || b[i-1]&0xfb != 0x48 || b[i+1]&0xc7 != 0x05 {
				continue
			}
			if at >= border || s.current < 0 {
				s.enter(at)
				border = s.next()
			}
			disp := int64(int32(binary.LittleEndian.Uint32(b[i+2:])))
			s.addAddress(uint64(int64(address)+int64(i)+6+disp), at)
			continue
		}
		at := base + uint32(i)
		to := uint64(int64(at) + 5 + int64(int32(binary.LittleEndian.Uint32(b[i+1:]))))
		if to >= end || i == n {
			continue
		}
		fn, ok := s.fns.at(to)
		if !ok {
			continue
		}
		if at >= border || s.current < 0 {
			s.enter(at)
			border = s.next()
		}
		s.add(fn, at, true)
	}
}

const leaAMD64 = 0x8d

// telling are the bytes at which the scan stops.
var telling = [256]bool{0xe8: true, 0xe9: true, leaAMD64: true}
