package accuracy

import (
	"io/fs"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// spoil is a fault that no combination of program and base has by itself, or its harmless sister.
type spoil struct {
	name   string
	change func(*made)
}

// spoiling is the cells with a fault of their own: with which programs, on which bases, for which users.
type spoiling struct {
	spoil
	variant string
	needs   []string
	bases   []string // nil for all
	users   []string // nil for all
}

var (
	root   = []string{"0"}
	gnu    = []string{"debian-slim", "distroless-base"} // the bases with glibc
	plain  = []string{"plain"}
	signal = []string{"signal"}
)

var spoilings = []spoiling{
	{spoil{"entrypoint of a typing error", entrypoint("/ap")}, "static", plain, nil, nil},
	{spoil{"entrypoint of the working directory", func(m *made) { m.config.Entrypoint = []string{"./app"} }}, "static", plain, nil, root},
	{spoil{"entrypoint of another working directory", func(m *made) {
		m.config.Entrypoint, m.config.WorkingDir = []string{"./app"}, "/srv"
	}}, "static", plain, nil, root},
	{spoil{"WORKDIR that is missing", func(m *made) { m.config.WorkingDir = "/srv/none" }}, "static", plain, nil, nil},
	{spoil{"WORKDIR for root alone", func(m *made) {
		m.config.WorkingDir = "/private"
		m.add(layers.File{Path: "private/", Mode: fs.ModeDir | 0o700})
	}}, "static", plain, nil, nil},
	{spoil{"USER nonroot", func(m *made) { m.config.User = "nonroot" }}, "static", plain, nil, root},
	{spoil{"not executable", mode(0o644)}, "static", plain, nil, nil},
	{spoil{"executable for root alone", mode(0o700)}, "static", plain, nil, nil},
	{spoil{"another processor", as}, "arm64", plain, nil, root},
	{spoil{"GOMEMLIMIT=64Mi", env("GOMEMLIMIT=64Mi")}, "static", plain, nil, root},
	{spoil{"GOMEMLIMIT=64MiB", env("GOMEMLIMIT=64MiB")}, "static", plain, nil, root},
	{spoil{"GOMEMLIMIT=64Mi", env("GOMEMLIMIT=64Mi")}, "glibc", plain, nil, root},
	{spoil{"GODEBUG=inittrace=1", env("GODEBUG=inittrace=1")}, "static", plain, nil, root},
	{spoil{"GODEBUG=madvdontneed=1", env("GODEBUG=madvdontneed=1")}, "static", plain, nil, root},
	{spoil{"musl under glibc's name", muslAsGlibc}, "glibc", []string{"plain", "tls", "user", "resolver", "signal"}, []string{"alpine"}, nil},
	{spoil{"musl under glibc's name", muslAsGlibc}, "gnu", plain, []string{"alpine"}, nil},
	{spoil{"musl under glibc's name", muslAsGlibc}, "newer glibc", plain, []string{"alpine"}, nil},
	{spoil{"musl under glibc's name", muslAsGlibc}, "sqlite", plain, []string{"alpine"}, nil},
	{spoil{"musl under glibc's name", muslAsGlibc}, "c++", plain, []string{"alpine"}, nil},
	{spoil{"a function of glibc alone", as}, "gnu", plain, nil, root},
	{spoil{"built with a newer glibc", as}, "newer glibc", plain, nil, nil},
	{spoil{"the C++ library is there", func(m *made) { m.add(m.parts.cxx...) }}, "c++", []string{"plain", "tls", "user"}, gnu, nil},
	{spoil{"needs cgo", as}, "sqlite-stub", plain, nil, root},
	{spoil{"loads plugins", as}, "static", []string{"plugins"}, []string{"scratch", "debian-slim"}, root},
	{spoil{"loads plugins", as}, "glibc", []string{"plugins"}, gnu, root},
	{spoil{"a shell that waits", shellForm("/app; exit $?")}, "static", []string{"signal", "plain", "orphans"}, nil, nil},
	{spoil{"a shell that becomes it", shellForm("exec /app")}, "static", []string{"signal", "plain"}, nil, nil},
	{spoil{"leaves a child", as}, "static", []string{"orphans"}, nil, root},
	{spoil{"waits for every child", as}, "static", []string{"reaps"}, nil, root},
	{spoil{"serves its profiles", as}, "static", []string{"profiles"}, nil, root},
	{spoil{"serves its profiles", as}, "glibc", []string{"profiles"}, gnu, root},
	{spoil{"an old go line", as}, "obsolete", []string{"oldtls"}, nil, root},
	{spoil{"a new go line", as}, "static", []string{"oldtls"}, nil, root},
	{spoil{"asks for a MIME type", as}, "static", []string{"types"}, nil, root},
	{spoil{"STOPSIGNAL SIGWINCH", stopsignal("SIGWINCH")}, "static", []string{"signal", "unhandled"}, nil, root},
	{spoil{"STOPSIGNAL SIGINT", stopsignal("SIGINT")}, "static", signal, nil, root},
	{spoil{"HEALTHCHECK /bin/true", health("CMD", "/bin/true")}, "static", signal, nil, nil},
	{spoil{"HEALTHCHECK by a shell", health("CMD-SHELL", "exit 0")}, "static", signal, nil, nil},
	{spoil{"HEALTHCHECK curl", health("CMD", "curl", "-f", "http://127.0.0.1:8080/")}, "static", signal, nil, root},
	{spoil{"expired roots", roots(0o644, time.Now().AddDate(0, -1, 0))}, "static", []string{"tls"}, nil, nil},
	{spoil{"roots for root alone", roots(0o600, time.Now().AddDate(1, 0, 0))}, "static", []string{"tls"}, nil, nil},
	{spoil{"TMPDIR of nowhere", env("TMPDIR=/nowhere")}, "static", []string{"temp"}, nil, nil},
	{spoil{"TMPDIR that is there", func(m *made) {
		m.config.Env = append(m.config.Env, "TMPDIR=/work")
		m.add(layers.File{Path: "work/", Mode: fs.ModeDir | 0o777})
	}}, "static", []string{"temp"}, nil, nil},
	{spoil{"TMPDIR is a volume", func(m *made) {
		m.config.Env, m.config.Volumes = append(m.config.Env, "TMPDIR=/data"), []string{"/data"}
	}}, "static", []string{"temp"}, nil, nil},
	{spoil{"listens at port 80", as}, "static", []string{"port"}, nil, nil},
	{spoil{"TZ of nowhere", env("TZ=Mars/Olympus")}, "static", plain, nil, root},
	{spoil{"USER and HOME are set", env("USER=service", "HOME=/")}, "static", []string{"user"}, nil, nil},
	{spoil{"USER and HOME are set", env("USER=service", "HOME=/")}, "glibc", []string{"user"}, gnu, nil},
	{spoil{"USER and HOME are set", env("USER=service", "HOME=/")}, "glibc-static", []string{"user"}, nil, nil},
	{spoil{"USER and HOME are set", env("USER=service", "HOME=/")}, "musl", []string{"user"}, []string{"alpine"}, nil},
	{spoil{"hosts: files myhostname dns", nsswitch("hosts: files myhostname dns\n")}, "glibc", []string{"resolver"}, nil, root},
	{spoil{"hosts: files myhostname dns", nsswitch("hosts: files myhostname dns\n")}, "static", []string{"resolver"}, nil, root},
	{spoil{"hosts: files company", nsswitch("hosts: files company\n")}, "glibc", []string{"resolver"}, nil, root},
	{spoil{"hosts: files company", nsswitch("hosts: files company\n")}, "static", []string{"resolver"}, nil, root},
	{spoil{"hosts: files company", nsswitch("hosts: files company\n")}, "musl", []string{"resolver"}, []string{"alpine"}, root},
	{spoil{"hosts: files company, whose library is there", func(m *made) {
		nsswitch("hosts: files company\n")(m)
		m.add(m.parts.company)
	}}, "glibc", []string{"resolver"}, gnu, root},
}
