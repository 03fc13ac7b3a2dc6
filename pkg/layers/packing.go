package layers

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// packing compresses facts for the cache.
var packing = sync.OnceValue(func() *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return z
})

// unpacking is the way back.
var unpacking = sync.OnceValue(func() *zstd.Decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return z
})

// compress writes how long the bytes are, and a zstd frame of them.
func compress(raw []byte) []byte {
	return packing().EncodeAll(raw, binary.AppendUvarint(make([]byte, 0, len(raw)/4), uint64(len(raw))))
}

// expand is the way back, for at most most bytes.
func expand(data []byte, most int) ([]byte, error) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(most) {
		return nil, errors.New("longer than it may be")
	}
	raw, err := unpacking().DecodeAll(data[n:], make([]byte, 0, length))
	if err == nil && uint64(len(raw)) != length {
		err = errors.New("shorter than it says")
	}
	return raw, err
}
