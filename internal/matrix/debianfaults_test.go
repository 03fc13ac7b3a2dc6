package matrix

import (
	"slices"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// fault is a topic that is called proven although the program does its work without: an open fault of pkg/binary. TestDebian
// fails for one that is not listed, and for one that is listed and gone.
type fault struct {
	file    string
	topic   binary.Topic
	because string
}

// falseProofs are all that are known of the programs of Debian: none.
var falseProofs []fault

// openFault says whether a false proof is known.
func openFault(file string, topic binary.Topic) bool {
	return slices.ContainsFunc(falseProofs, func(f fault) bool { return f.file == file && f.topic == topic })
}
