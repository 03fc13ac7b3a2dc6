package binary

import (
	"slices"
	"strings"
)

// callsArgument are functions of the standard library, and of others that hide a goroutine, that surely call a function
// value they are given: in which word of the arguments. Those of other packages are gone into.
var callsArgument = map[string]int{
	"sync.(*Once).Do": 1, "sync.(*Once).doSlow": 1, "sync.(*WaitGroup).Go": 1, "runtime.newproc": 0, "runtime.deferproc": 0,
	"path/filepath.Walk": 2, "path/filepath.WalkDir": 2, "path/filepath.walk": 4, "path/filepath.walkDir": 4, "io/fs.WalkDir": 4,
	"io/fs.walkDir": 6, "net/http.HandlerFunc.ServeHTTP": 0, "golang.org/x/sync/errgroup.(*Group).Go": 1,
}

// The functions of github.com/oklog/run that keep functions, and that call them. The linker leaves out what is not used.
const (
	addActor  = "github.com/oklog/run.(*Group).Add"
	runActors = "github.com/oklog/run.(*Group).Run"
)

// muxMethods register a handler on a net/http.ServeMux: it is in words 3 and 4 of the arguments.
var muxMethods = map[string]bool{
	"net/http.(*ServeMux).Handle": true, "net/http.(*ServeMux).HandleFunc": true, "net/http.(*ServeMux).register": true,
}

// defaultMux are the functions that register one on net/http's default mux: in words 2 and 3.
var defaultMux = map[string]bool{"net/http.Handle": true, "net/http.HandleFunc": true}

// routers register handlers with their methods that are listed. Those of net/http's kind are served by a server of
// net/http or of their own.
var routers = []struct{ receiver, methods string }{
	{"github.com/go-chi/chi/v5.(*Mux).", "Connect Delete Get Handle HandleFunc Head Method MethodFunc MethodNotAllowed Mount NotFound Options Patch Post Put Trace Use With handle"},
	{"github.com/go-chi/chi.(*Mux).", "Connect Delete Get Handle HandleFunc Head Method MethodFunc MethodNotAllowed Mount NotFound Options Patch Post Put Trace Use With handle"},
	{"github.com/gin-gonic/gin.(*RouterGroup).", "Any DELETE GET HEAD Handle Match OPTIONS PATCH POST PUT Use handle"},
	{"github.com/gin-gonic/gin.(*Engine).", "NoMethod NoRoute Use addRoute"},
	{"github.com/gorilla/mux.(*Router).", "Handle HandleFunc Use"},
	{"github.com/gorilla/mux.(*Route).", "Handler HandlerFunc"},
	{"github.com/labstack/echo/v4.(*Echo).", "Add Any CONNECT DELETE GET HEAD Match OPTIONS PATCH POST PUT Pre TRACE Use add"},
	{"github.com/labstack/echo/v4.(*Group).", "Add Any CONNECT DELETE GET HEAD Match OPTIONS PATCH POST PUT TRACE Use"},
	{"github.com/julienschmidt/httprouter.(*Router).", "DELETE GET HEAD Handle Handler HandlerFunc OPTIONS PATCH POST PUT"},
	{"github.com/gofiber/fiber/v2.(*App).", "Add All Connect Delete Get Head Options Patch Post Put Trace Use register"},
	{"github.com/gofiber/fiber/v2.(*Group).", "Add All Connect Delete Get Head Options Patch Post Put Trace Use"},
	{"github.com/prometheus/common/route.(*Router).", "Del Get Head Options Post Put"},
	{"goji.io.(*Mux).", "Handle HandleFunc"},
}

// routerNames are functions of the routers that a program which makes one has.
var routerNames = []string{
	"github.com/go-chi/chi/v5.(*Mux).handle", "github.com/go-chi/chi.(*Mux).handle", "github.com/gin-gonic/gin.(*RouterGroup).handle",
	"github.com/gorilla/mux.(*Router).ServeHTTP", "github.com/labstack/echo/v4.(*Echo).ServeHTTP", "github.com/julienschmidt/httprouter.(*Router).Handle",
	"github.com/gofiber/fiber/v2.(*App).register",
}

// registersHandler says whether a function is one of these methods.
func registersHandler(name string) bool {
	i := strings.LastIndexByte(name, '.') + 1
	return slices.ContainsFunc(routers, func(r struct{ receiver, methods string }) bool {
		return name[:i] == r.receiver && slices.Contains(strings.Fields(r.methods), name[i:])
	})
}

// httpServers run for as long as requests are answered: if one of them is reached, handlers are called.
var httpServers = []string{
	"net/http.(*Server).Serve", "net/http.(*Server).ServeTLS", "net/http.(*Server).ListenAndServe", "net/http.(*Server).ListenAndServeTLS",
	"github.com/valyala/fasthttp.(*Server).Serve",
}

// judgeFunction says what a call does to a function value or the table of an interface value.
func judgeFunction(f *follower, c *passed) (results [maxWords]value) {
	is := func(i int) bool { return i >= 0 && i < maxWords && f.standsFor(c.words, i) }
	f.fate.out = true
	where, serves := listenCalls[c.name]
	word, calls := callsArgument[c.name]
	switch {
	case calls:
		f.fate.called = f.fate.called || is(word)
	case c.name == addActor:
		f.fate.called = f.fate.called || f.linked[runActors] && (is(1) || is(2))
	case serves && where.handler >= 0:
		f.fate.handles = f.fate.handles || is(where.handler) || is(where.handler+1)
	case serves && where.server >= 0:
		f.fate.handles = f.fate.handles || f.isHandlerOf(c.words[where.server])
	case defaultMux[c.name]:
		f.fate.byDefault = f.fate.byDefault || is(2) || is(3)
	case muxMethods[c.name]:
		f.registered(c, is(3) || is(4))
	case registersHandler(c.name):
		f.fate.handles = f.fate.handles || f.depth > 0 || !f.keepsMux(f.fn, c.at) // middlewares are in a slice
	case c.callee < 0:
		f.fate.handles = f.fate.handles || f.isRoute(c)
	case !isStandard(packageOf(c.name)):
		return f.judgeInside(c)
	}
	return results
}

// judgeInside goes into a function that is given the thing.
func (f *follower) judgeInside(c *passed) [maxWords]value {
	in := f.enter(c.callee, c.words, value{})
	f.fate.called = f.fate.called || in.called
	f.fate.handles = f.fate.handles || in.handles
	f.fate.byDefault = f.fate.byDefault || in.byDefault
	return in.results
}

// isHandlerOf says whether the thing is the handler of a server: the table or the data of that field.
func (f *follower) isHandlerOf(server value) bool {
	for _, word := range []int64{serverHandler, serverHandler + 8} {
		at := server.add(word)
		if v := f.now.load(at); at.known && v.known && f.isThing(v) {
			return true
		}
	}
	return false
}

// registered judges a handler on a mux: the default one, or another one that is handed on to be served.
func (f *follower) registered(c *passed, stands bool) {
	mux := c.words[0]
	switch {
	case !stands:
	case mux.known && mux.kind == isVariable && f.isDefaultMux(mux.n):
		f.fate.byDefault = true
	case f.depth > 0 || !f.keepsMux(f.fn, c.at):
		f.fate.handles = true
	}
}

// isRoute says whether a call of a method that is not known registers the thing: a path comes before it, and the program
// has one of the routers.
func (f *follower) isRoute(c *passed) bool {
	if !f.flow.routes {
		return false
	}
	for i := 0; i+2 < maxWords; i++ {
		if path, ok := f.constantText(c.words[i], c.words[i+1]); ok && strings.HasPrefix(path, "/") {
			return true
		}
	}
	return false
}

// storedInField judges where the thing is stored in an object that is made here: the handler of a server, what a command
// runs.
func (f *follower) storedInField(at value) {
	t := f.types[at.site]
	if t == 0 {
		return
	}
	switch f.typeName(t) {
	case "mux.Route": // of gorilla/mux; its first field since 1.7
		f.fate.handles = f.fate.handles || at.n <= 8 && f.flow.routes
	case "http.Server":
		f.fate.handles = f.fate.handles || at.n == serverHandler || at.n == serverHandler+8
	case "cobra.Command":
		if f.depth == 0 && slices.Contains(f.runFields(t), at.n) {
			f.fate.commands = append(f.fate.commands, at.site)
		}
	}
}

// typeName returns the name of the type at an address as reflect prints it. Source: internal/abi/type.go, Type and Name.
func (p *program) typeName(at uint64) string {
	const nameAt, starred = 40, 2
	word, ok := p.m.word(at + nameAt)
	flags, ok2 := p.m.word(at + 16) // of them, tflag is the fifth byte
	if !ok || !ok2 {
		return ""
	}
	name := p.mod.types + word&(1<<32-1)
	b := make([]byte, 2)
	if !p.m.read(name, b) || b[1] > 127 {
		return ""
	}
	text, _ := p.m.text(name+2, uint64(b[1]))
	if flags>>(4*8)&starred != 0 {
		text = strings.TrimPrefix(text, "*")
	}
	return text
}
