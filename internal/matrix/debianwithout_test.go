package matrix

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// provision is what an image may lack: the topic that speaks of it, and where it is.
type provision struct {
	topic   binary.Topic
	paths   []string
	feature string // built into a program, it stands in
}

// The provisions.
var (
	caRoots  = provision{binary.TopicCARoots, []string{"/etc/ssl"}, binary.FeatureRoots}
	zoneinfo = provision{binary.TopicZoneinfo, []string{"/usr/share/zoneinfo"}, binary.FeatureTZData}
	localTZ  = provision{binary.TopicLocalTime, []string{"/usr/share/zoneinfo"}, binary.FeatureTZData} // with TZ set
	tempDirs = provision{binary.TopicTempDir, []string{"/tmp", "/var/tmp"}, ""}
)

// deprived is a Debian program that is run in a root that has everything, and in the same root without one provision.
// The facts decide what is to happen: without the need, or with the feature, nothing changes.
type deprived struct {
	pack, file string
	lacks      provision
	// args are the arguments. {url} and {host} are of a TLS server whose authority is in the root's bundle; /data is an
	// empty directory.
	args  string
	env   string            // the same for the environment, beside HOME
	files map[string]string // what else is in the root
	// first are arguments with which the program is run before, as those of the run, "" for none.
	first string
	input string
	good  string // printed where the program works
	bad   string // printed where it does not
	stays bool   // it has to be stopped
	// spared says why the program works all the same: something that a reader cannot know. A proven need spares nobody.
	spared string
}

const (
	tokyo        = "Asia/Tokyo"
	unknownZone  = "unknown time zone " + tokyo
	unknownRoot  = "certificate signed by unknown authority"
	noSuchFile   = "no such file or directory"
	timeInterval = "route: {receiver: a}\nreceivers: [{name: a}]\ntime_intervals: [{name: a, time_intervals: [{location: " + tokyo + "}]}]\n"
	metricsTest  = "tests: [{interval: 1m, input_series: [{series: a, values: '1 2'}], " +
		"promql_expr_test: [{expr: a, eval_time: 1m, exp_samples: [{labels: a, value: 2}]}]}]\n"
)

var deprivations = []deprived{
	{pack: "rclone", file: "usr/bin/rclone", lacks: caRoots,
		args: "copyurl --retries=1 --low-level-retries=1 {url} --stdout", good: "hello", bad: unknownRoot},
	{pack: "restic", file: "usr/bin/restic", lacks: caRoots,
		args: "--no-cache --repo=rest:{url} cat config", env: "RESTIC_PASSWORD=a", stays: true,
		good: "Decode: json", bad: unknownRoot},
	{pack: "gh", file: "usr/bin/gh", lacks: caRoots,
		args: "api user", env: "GH_HOST={host} GH_ENTERPRISE_TOKEN=a", good: "hello", bad: unknownRoot},
	{pack: "hcloud-cli", file: "usr/bin/hcloud", lacks: caRoots, args: "server list",
		env: "HCLOUD_ENDPOINT={url} HCLOUD_TOKEN=" + strings.Repeat("a", 64), good: "DATACENTER", bad: unknownRoot},
	{pack: "lego", file: "usr/bin/lego", lacks: caRoots,
		args: "--server={url}/dir --path=/data --email=a@example.com --domains=example.com --accept-tos --http run",
		good: "directory missing", bad: unknownRoot},
	{pack: "skopeo", file: "usr/bin/skopeo", lacks: caRoots,
		args: "--insecure-policy inspect docker://{host}/x:y", good: "unsupported schema version", bad: unknownRoot},
	{pack: "kubernetes-client", file: "usr/bin/kubectl", lacks: caRoots,
		args: "--token=a --server={url} version", good: "Server Version", bad: unknownRoot},
	{pack: "etcd-client", file: "usr/bin/etcdctl", lacks: caRoots,
		args: "--endpoints={url} --dial-timeout=2s --command-timeout=2s get a", env: "ETCDCTL_API=3",
		good: "unexpected content-type", bad: "context deadline exceeded"},
	{pack: "prometheus-alertmanager", file: "usr/bin/amtool", lacks: caRoots,
		args: "--alertmanager.url={url} alert", good: "cannot unmarshal", bad: unknownRoot},

	{pack: "prometheus-alertmanager", file: "usr/bin/amtool", lacks: zoneinfo,
		args: "check-config /c.yml", files: map[string]string{"c.yml": timeInterval}, good: "SUCCESS", bad: unknownZone},
	{pack: "hugo", file: "usr/bin/hugo", lacks: zoneinfo,
		args:  "--source=/site --destination=/data --cacheDir=/data",
		files: map[string]string{"site/config.toml": "title = 'a'\ntimeZone = '" + tokyo + "'\n"},
		good:  "Pages", bad: unknownZone},
	{pack: "victoria-metrics", file: "usr/bin/victoria-metrics", lacks: zoneinfo,
		args: "-loggerTimezone=" + tokyo + " -storageDataPath=/data -httpListenAddr=127.0.0.1:0", stays: true,
		good: "+0900", bad: "cannot load timezone"},

	{pack: "age", file: "usr/bin/age-keygen", lacks: localTZ, env: "TZ=" + tokyo, good: "+09:00", bad: "Z\n"},
	{pack: "nats-server", file: "usr/sbin/nats-server", lacks: localTZ,
		args: "-a 127.0.0.1 -p -1", env: "TZ=" + tokyo, stays: true, good: "{tokyo}", bad: "{utc}"},
	{pack: "syncthing-relaysrv", file: "usr/bin/strelaysrv", lacks: localTZ,
		args: "-listen 127.0.0.1:0 -pools= -status-srv= -keys=/data", env: "TZ=" + tokyo, stays: true,
		good: "{tokyo}", bad: "{utc}"},
	{pack: "lego", file: "usr/bin/lego", lacks: localTZ,
		args: "--server=http://127.0.0.1:1 --path=/data --email=a@example.com --domains=example.com --accept-tos --http run", env: "TZ=" + tokyo,
		good: "{tokyo}", bad: "{utc}"},
	{pack: "pebble", file: "usr/bin/pebble", lacks: localTZ,
		args: "-config /none", env: "TZ=" + tokyo, good: "{tokyo}", bad: "{utc}"},

	{pack: "restic", file: "usr/bin/restic", lacks: tempDirs,
		first: "init", args: "--no-cache backup --stdin", env: "RESTIC_PASSWORD=a RESTIC_REPOSITORY=/data", input: "words",
		good: "snapshot ", bad: noSuchFile},
	{pack: "prometheus", file: "usr/bin/promtool", lacks: tempDirs,
		args: "test rules /t.yml", files: map[string]string{"t.yml": metricsTest},
		good: "SUCCESS", bad: "nil pointer dereference"},
	{pack: "gocryptfs", file: "usr/bin/gocryptfs", lacks: tempDirs,
		args: "-fsck /data", good: "gocryptfs.conf", bad: "TmpDir: stat /tmp: " + noSuchFile},
	{pack: "hugo", file: "usr/bin/hugo", lacks: tempDirs,
		args: "--source=/site --destination=/data", files: map[string]string{"site/config.toml": "title = 'a'\n"},
		good: "Pages", bad: noSuchFile, spared: "it makes the directory with all above it"},
	{pack: "fzf", file: "usr/bin/fzf", lacks: tempDirs,
		args: "--filter=a", input: "a\nb\n",
		good: "a\n", bad: noSuchFile, spared: "only a preview of several files takes one"},
	{pack: "kubernetes-client", file: "usr/bin/kubectl", lacks: tempDirs,
		args: "version --client",
		good: "Client Version", bad: noSuchFile, spared: "of its commands only diff, replace and kustomize take one"},
	{pack: "wireguard-go", file: "usr/bin/wireguard-go", lacks: tempDirs,
		args: "--version", good: "wireguard-go", bad: noSuchFile},
}

// TestDebianWithout runs programs of Debian in roots that lack what they need, or do not need.
func TestDebianWithout(t *testing.T) {
	switch {
	case !full():
		t.Skip("takes Debian packages: set IMGAUDIT_MATRIX=all")
	case os.Getuid() != 0:
		t.Skip("not root: cannot chroot")
	}
	packs, peer := t.TempDir(), newPeer(t)
	for _, d := range deprivations {
		t.Run(fmt.Sprintf("%s without %s", d.file[strings.LastIndex(d.file, "/")+1:], d.lacks.topic), func(t *testing.T) {
			l := newLab(t, packs, d.pack, d.file, peer)
			d.try(t, l)
		})
	}
}

// try compares what the program does in both roots with what its facts foretell.
func (d deprived) try(t *testing.T, l *lab) {
	n, needed := l.binary.Need(d.lacks.topic)
	_, brought := l.binary.Feature(d.lacks.feature)
	fails := needed && !brought
	with, wall := l.run(d)
	if !strings.Contains(with, wall.fill(d.good)) {
		t.Fatalf("does not work in the whole root: no %q in\n%.2000s", wall.fill(d.good), with)
	}
	for _, path := range d.lacks.paths {
		l.remove(path)
	}
	without, wall := l.run(d)
	works, complains := strings.Contains(without, wall.fill(d.good)), strings.Contains(without, wall.fill(d.bad))
	t.Logf("need %q, brought along %v; without it works: %v, complains: %v", n.Certainty, brought, works, complains)
	switch {
	case works == complains:
		t.Errorf("works %v, complains %v:\n%.2000s", works, complains, without)
	case works && fails && n.Certainty == binary.Proven:
		t.Errorf("works without what is proven to be needed\n%s", evidence(l.binary, string(d.lacks.topic)))
	case works && fails && d.spared == "":
		t.Errorf("works without what it needs (%s)\n%s", n.Certainty, evidence(l.binary, string(d.lacks.topic)))
	case !works && !fails:
		t.Errorf("fails without what it was said not to need:\n%.2000s", without)
	case !works && d.spared != "":
		t.Errorf("is not spared:\n%.2000s", without)
	}
}
