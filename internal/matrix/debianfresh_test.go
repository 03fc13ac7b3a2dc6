package matrix

// fresh are programs whose facts were written down from their sources before the reader was first tried on them: an
// out-of-sample test. Signals are those of every Notify in the program's own source, "-" where its libraries were not
// read; what Debian's build differs in is said. Nothing is proven that a flag, a subcommand or the configuration has to ask for.
var fresh = []packaged{
	// gopkg.in/hlandau/service.v2 publishes time.Now().String() when it is initialised
	{pack: "acmetool", file: "usr/bin/acmetool", proven: "local-time", signals: "-", listens: true},
	// blitiri.com.ar/go/chasquid/chasquid.go; blitiri.com.ar/go/log prints the local time unless systemd runs it (found after
	// the reader had said so).
	{pack: "chasquid", file: "usr/bin/chasquid", proven: "local-time", signals: "1 2 15", listens: true},
	// cmd/containerd/command/main_unix.go
	{pack: "containerd", file: "usr/bin/containerd", signals: "2 10 13 15", listens: true, run: func(_, dir string) []string {
		config := put(dir, "c.toml", "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n")
		return []string{"--root=" + dir + "/root", "--state=" + dir + "/state", "--address=" + dir + "/sock", "--config=" + config}
	}},
	// runtime/v2/shim/shim_unix.go: SIGCHLD is appended to the list, so the list may be called unknown.
	{pack: "containerd", file: "usr/bin/containerd-shim-runc-v2", signals: "2 10 13 15 17", listens: true},
	// cmd/containerd-shim/shim_linux.go, main_unix.go
	{pack: "containerd", file: "usr/bin/containerd-shim", signals: "2 10 13 15 17", listens: true},
	// cmd/ctr/commands/signals.go: Notify without a list
	{pack: "containerd", file: "usr/bin/ctr", signals: "all"},
	// cmd/crowdsec/serve.go
	{pack: "crowdsec", file: "usr/bin/crowdsec", signals: "1 2 15", listens: true},
	// etcdctl/ctlv2 and ctlv3 take 2 and 15; a library that asks for passwords takes more
	{pack: "etcd-client", file: "usr/bin/etcdctl", signals: "-"},
	// src/terminal.go, terminal_unix.go
	{pack: "fzf", file: "usr/bin/fzf", signals: "2 15 18 28", listens: true},
	// git-lfs.go: os.Interrupt and os.Kill; git itself is always run, by a name that is a parameter
	{pack: "git-lfs", file: "usr/bin/git-lfs", proven: "exec", signals: "2 9"},
	// main.go, mount.go, daemonize.go
	{pack: "gocryptfs", file: "usr/bin/gocryptfs", signals: "2 10 15", listens: true},
	{pack: "hcloud-cli", file: "usr/bin/hcloud", signals: "-"},
	// cmd/influxd/main.go
	{pack: "influxdb", file: "usr/bin/influxd", signals: "2 15", listens: true, run: func(_, dir string) []string {
		const address = "bind-address = '127.0.0.1:0'\n"
		return []string{"-config", put(dir, "i.conf", "reporting-disabled = true\n"+address+"[http]\n"+address+
			"[meta]\ndir = '"+dir+"'\n[data]\ndir = '"+dir+"'\nwal-dir = '"+dir+"'\n")}
	}},
	{pack: "kubernetes-client", file: "usr/bin/kubectl", signals: "-", listens: true, run: func(_, dir string) []string {
		return []string{"--server=http://127.0.0.1:1", "proxy", "--port=0"}
	}, dies: "its handlers are those of other subcommands"},
	// a terminal is needed to run it
	{pack: "micro", file: "usr/bin/micro", signals: "-"},
	// only the run decides
	{pack: "mtail", file: "usr/bin/mtail", signals: "-", listens: true, run: func(_, dir string) []string {
		return []string{"--address=127.0.0.1", "--port=0", "--logs=" + put(dir, "a.log", ""),
			"--progs=" + put(dir, "a.mtail", "counter a\n"), "--log_dir=" + dir}
	}},
	// obfs4proxy/termmon.go
	{pack: "obfs4proxy", file: "usr/bin/obfs4proxy", signals: "2 15", listens: true},
	// cmd.CatchSignals is called by the other program only
	{pack: "pebble", file: "usr/bin/pebble", proven: "local-time", listens: true},
	// cmd/command.go
	{pack: "pebble", file: "usr/bin/pebble-challtestsrv", proven: "local-time", signals: "1 2 15", listens: true, run: func(_, _ string) []string {
		return []string{"-http01=", "-https01=", "-tlsalpn01=", "-dns01=127.0.0.1:0", "-management=127.0.0.1:0"}
	}},
	// cmd/alertmanager/main.go; Debian's build wants a template at a fixed path to run
	{pack: "prometheus-alertmanager", file: "usr/bin/prometheus-alertmanager", signals: "1 2 15", listens: true},
	{pack: "prometheus-alertmanager", file: "usr/bin/amtool", signals: "-"},
	// main.go
	{pack: "prometheus-blackbox-exporter", file: "usr/bin/prometheus-blackbox-exporter", signals: "1 2 15", listens: true, run: func(_, dir string) []string {
		return []string{"--config.file=" + put(dir, "b.yml", "modules: {a: {prober: tcp}}\n"), "--web.listen-address=127.0.0.1:0"}
	}},
	// main.go, shutdownServerOnQuit
	{pack: "prometheus-pushgateway", file: "usr/bin/prometheus-pushgateway", signals: "2 15", listens: true, run: func(_, _ string) []string {
		return []string{"--web.listen-address=127.0.0.1:0"}
	}},
	// signals.go: Notify without a list
	{pack: "runc", file: "usr/sbin/runc", signals: "all"},
	// cmd/stdiscosrv handles none, and prints no time
	{pack: "syncthing-discosrv", file: "usr/bin/stdiscosrv", listens: true, run: func(_, dir string) []string {
		return []string{"-listen=127.0.0.1:0", "-replication-listen=127.0.0.1:0", "-http",
			"-db-dir=" + dir + "/db", "-cert=" + dir + "/c.pem", "-key=" + dir + "/k.pem"}
	}},
	// cmd/strelaysrv/main.go
	{pack: "syncthing-relaysrv", file: "usr/bin/strelaysrv", proven: "local-time", signals: "2 15", listens: true, run: func(_, dir string) []string {
		return []string{"-listen=127.0.0.1:0", "-pools=", "-status-srv=", "-keys=" + dir}
	}},
	// lib/procutil/signal.go
	{pack: "victoria-metrics", file: "usr/bin/victoria-metrics", signals: "1 2 15", listens: true, run: func(_, dir string) []string {
		return []string{"-storageDataPath=" + dir, "-httpListenAddr=127.0.0.1:0"}
	}},
	{pack: "victoria-metrics", file: "usr/bin/vmagent", signals: "1 2 15", listens: true, run: func(_, dir string) []string {
		return []string{"-remoteWrite.url=http://127.0.0.1:1", "-remoteWrite.tmpDataPath=" + dir, "-httpListenAddr=127.0.0.1:0"}
	}},
	// main.go
	{pack: "wireguard-go", file: "usr/bin/wireguard-go", signals: "2 15", listens: true},
}
