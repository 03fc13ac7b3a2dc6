package accuracy

// services lists what is corrected: those of whose failures every kind is one, or every combination that this machine's
// golang image can compile.
func services(all bool) (list []service) {
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
		for _, v := range []string{"static", "pie", "glibc"} {
			for _, n := range needs {
				for _, u := range users {
					add(v, n, u, every...)
				}
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
	}
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
		switch b.name {
		case "scratch":
			list = append(list, shell, mode, limit)
		case "distroless-static":
			list = append(list, shell, ints, s("arm64", "plain"))
		case "debian-slim", "alpine":
			list = append(list, waits, mode)
		case "busybox":
			list = append(list, waits, ints)
		}
	}
	return list
}
