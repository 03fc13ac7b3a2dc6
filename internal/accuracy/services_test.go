package accuracy

import (
	"regexp"
	"slices"
)

// services lists what is corrected: some of every kind of failure that has a fix, or every combination; those that
// a regular expression finds.
func services(all bool, pattern string) (list []service) {
	add := func(variant, need, user string, names ...string) {
		for _, b := range bases {
			for _, n := range names {
				if n == b.name {
					list = append(list, service{variant: variant, need: need, base: b, user: user})
				}
			}
		}
	}
	every := []string{"scratch", "distroless-static", "distroless-base", "debian-slim", "alpine", "busybox"}
	if all {
		for _, n := range needs {
			add("static", n, "0", every...)
			for _, v := range []string{"static", "pie", "glibc", "musl"} {
				add(v, n, "65532", every...)
			}
		}
		for _, n := range []string{"tls", "zone", "localtime", "temp", "shell", "user"} {
			for _, v := range []string{"glibc-static", "musl-static", "c++-static", "sqlite-static"} {
				add(v, n, "65532", "scratch", "debian-slim", "alpine")
			}
		}
	} else {
		add("static", "tls", "65532", "scratch", "debian-slim", "busybox")
		add("static", "zone", "65532", "scratch", "alpine", "busybox")
		add("static", "localtime", "0", "scratch", "alpine", "busybox")
		add("static", "temp", "65532", "scratch")
		add("static", "temp", "0", "scratch")
		add("static", "user", "65532", "scratch", "debian-slim", "alpine", "busybox")
		add("pie", "plain", "65532", "scratch", "distroless-static", "alpine", "busybox")
		add("glibc", "plain", "65532", "scratch", "distroless-static", "alpine", "busybox")
		add("glibc", "tls", "65532", "scratch")
		add("glibc-static", "tls", "65532", "scratch")
		add("musl", "zone", "65532", "alpine")
		add("musl", "localtime", "0", "alpine")
		add("musl", "user", "65532", "alpine")
		add("musl-static", "tls", "65532", "scratch", "busybox")
		add("musl-static", "temp", "65532", "scratch")
		add("c++-static", "tls", "65532", "scratch", "debian-slim")
		add("c++-static", "zone", "65532", "scratch", "alpine")
		add("c++-static", "temp", "65532", "scratch")
		add("sqlite-static", "tls", "65532", "scratch", "busybox")
		add("sqlite", "tls", "65532", "debian-slim")
	}
	add("glibc-standard", "tls", "65532", "scratch", "distroless-static", "alpine", "busybox")
	add("glibc-standard", "user", "0", "scratch", "alpine")
	add("sqlite-stub", "plain", "65532", "debian-slim", "distroless-base", "alpine")
	for _, b := range bases {
		s := func(variant, need string) service {
			return service{variant: variant, need: need, base: b, user: "65532"}
		}
		waits := s("static", "signal")
		waits.entrypoint = "cd / && /app"
		shell := s("static", "plain")
		shell.entrypoint = "/app"
		mode := s("static", "plain")
		mode.flags = "--chmod=644"
		ints := s("static", "signal")
		ints.lines = []string{"STOPSIGNAL SIGQUIT"}
		limit := s("static", "plain")
		limit.lines = []string{"ENV GOMEMLIMIT=64Mi"}
		loud := s("static", "plain")
		loud.lines = []string{"ENV GODEBUG=inittrace=1"}
		named := s("glibc", "resolver")
		named.lines = []string{`RUN echo "hosts: files company" >/etc/nsswitch.conf`}
		words := s("c++", "tls")
		words.lines = []string{"COPY --from=build /usr/lib/x86_64-linux-gnu/libstdc++.so.6 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 /usr/lib/x86_64-linux-gnu/"}
		account := words
		account.need = "user"
		switch b.name {
		case "scratch":
			list = append(list, shell, mode, limit, loud)
		case "distroless-static":
			list = append(list, shell, ints, s("arm64", "plain"))
		case "debian-slim":
			list = append(list, waits, mode, named, words, account, s("c++", "plain"))
		case "alpine":
			list = append(list, waits, mode, s("static", "types"))
		case "busybox":
			list = append(list, waits, ints)
		}
	}
	re := regexp.MustCompile(pattern)
	return slices.DeleteFunc(list, func(s service) bool { return !re.MatchString(s.String()) })
}
