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

// falseProofs are all that are known of the programs of Debian.
var falseProofs = []fault{
	{"usr/sbin/nats-server", binary.TopicResolver, "only a server of a cluster looks up its peers"},
	{"usr/bin/promtool", binary.TopicTempDir, "only the subcommands that test rules or write a benchmark"},
	{"usr/bin/rclone", binary.TopicExec, "only without $HOME"},
	{"usr/bin/acmetool", binary.TopicExec, "only the subcommands quickstart and test-notify"},
	{"usr/bin/acmetool", binary.TopicLocalTime, "a library prints when a message of D-Bus is not as it should be"},
	{"usr/bin/containerd-shim-runc-v2", binary.TopicLocalTime, "a library prints when a type is registered twice"},
	{"usr/bin/containerd-shim", binary.TopicLocalTime, "a library prints when a type is registered twice"},
	{"usr/bin/crowdsec", binary.TopicTempDir, "only when it crashes, or with a plugin"},
	{"usr/bin/git-lfs", binary.TopicLocalTime, "only with tracing, or when it crashes"},
	{"usr/bin/gocryptfs", binary.TopicTempDir, "only with -fsck"},
	{"usr/bin/gocryptfs", binary.TopicExec, "only with a FIDO2 token, in the background, or when unmounting fails"},
	{"usr/bin/micro", binary.TopicLocalTime, "the log goes nowhere without -debug"},
	{"usr/bin/micro", binary.TopicExec, "only without $HOME"},
	{"usr/bin/obfs4proxy", binary.TopicLocalTime, "only with -enableLogging"},
	{"usr/bin/prometheus-alertmanager", binary.TopicResolver, "only the peers of a cluster are looked up"},
	{"usr/bin/prometheus-pushgateway", binary.TopicLocalTime, "a library prints when a type is registered twice"},
}

// openFault says whether a false proof is known.
func openFault(file string, topic binary.Topic) bool {
	return slices.ContainsFunc(falseProofs, func(f fault) bool { return f.file == file && f.topic == topic })
}
