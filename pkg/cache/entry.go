package cache

import (
	"crypto/sha256"
	"errors"
	"path"
)

// An entry's file is a magic line, the SHA-256 of the entry's name and its payload, and the payload. The name is in the
// sum so that a file in another's place is as damaged as one with a changed byte.
const (
	magic    = "imgaudit cache 1\n"
	headSize = int64(len(magic) + sha256.Size)
	// MaxEntry is the size in bytes of the largest entry that is kept.
	MaxEntry = 64 << 20
)

var errDamaged = errors.New("damaged entry")

// seal returns what stands before a payload.
func seal(name string, payload []byte) []byte {
	return append([]byte(magic), checksum(name, payload)...)
}

// unseal checks a file and returns its payload.
func unseal(name string, file []byte) ([]byte, error) {
	if int64(len(file)) < headSize || string(file[:len(magic)]) != magic {
		return nil, errDamaged
	}
	payload := file[headSize:]
	if string(file[len(magic):headSize]) != string(checksum(name, payload)) {
		return nil, errDamaged
	}
	return payload, nil
}

func checksum(name string, payload []byte) []byte {
	sum := sha256.New()
	sum.Write([]byte(path.Base(name)))
	sum.Write(payload)
	return sum.Sum(nil)
}
