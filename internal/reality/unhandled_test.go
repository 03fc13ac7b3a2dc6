package reality

import "github.com/imgaudit/imgaudit/pkg/layers"

// abrupt is failed for a program that shall end by its own handler.
func abrupt(o outcome) bool { return ended(o) || o.lost }

var unhandledCells = unhandled(
	cell{name: "a listener without a handler", trial: stoppedListening, root: program("/app", "listen", static)},
	cell{name: "a server without a handler", trial: stoppedListening, root: program("/app", "upload", static)},
	cell{name: "a server with a handler", trial: stoppedListening, root: program("/app", "http-server", static)},
	cell{name: "a listener stopped by SIGINT", trial: stoppedListening, config: layers.Config{StopSignal: "SIGINT"},
		root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGQUIT", trial: stoppedListening, config: layers.Config{StopSignal: "SIGQUIT"},
		root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGHUP", trial: stoppedListening, config: layers.Config{StopSignal: "SIGHUP"},
		root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGUSR1", trial: stoppedListening, config: layers.Config{StopSignal: "SIGUSR1"},
		root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGWINCH", trial: stoppedListening, config: layers.Config{StopSignal: "SIGWINCH"},
		root: program("/app", "listen", static)},
	cell{name: "a listener stopped by SIGRTMIN+3", trial: stoppedListening, config: layers.Config{StopSignal: "SIGRTMIN+3"},
		root: program("/app", "listen", static)},
	cell{name: "a listener below an init", trial: stoppedListening,
		root:   all(program("/app", "listen", static), program("/sbin/tini", "init", static)),
		config: command("/sbin/tini", "--", "/app")},
	cell{name: "a request in flight, no handler", trial: inFlight("http://127.0.0.1:8091/"),
		root: program("/app", "deaf", static), failed: unanswered},
	cell{name: "a request in flight, a handler that waits", trial: inFlight("http://127.0.0.1:8090/"),
		root: program("/app", "slow", static), failed: unanswered},
	cell{name: "no server, no handler", trial: toItsEnd, root: hello},
)

// unanswered is failed for a server that shall answer the request in flight, and then end by itself.
func unanswered(o outcome) bool { return o.lost || without("answered")(o) }

func unhandled(cells ...cell) []cell {
	for i := range cells {
		cells[i].rule = "stop-signal-unhandled"
		if cells[i].failed == nil {
			cells[i].failed = abrupt
		}
	}
	return cells
}
