package binary

import (
	"go/version"
	"slices"
	"strconv"
	"strings"
)

// mimeLookups ask for the type of a file name's extension. mime.AddExtensionType only adds to the tables.
// Source: mime/type.go.
var mimeLookups = []string{"mime.TypeByExtension", "mime.ExtensionsByType"}

// mimeServers ask for the type of every file they serve. Source: net/http/fs.go, serveContent.
var mimeServers = []string{
	"net/http.ServeContent", "net/http.ServeFile", "net/http.ServeFileFS", "net/http.FileServer", "net/http.FileServerFS",
	"net/http.(*fileHandler).ServeHTTP",
}

// builtinTypes are the extensions that package mime knows by itself in every version since 1.16.
// Source: mime/type.go, builtinTypesLower.
var builtinTypes = []string{
	"", ".avif", ".css", ".gif", ".htm", ".html", ".jpeg", ".jpg", ".js", ".json", ".mjs", ".pdf", ".png", ".svg", ".wasm", ".webp", ".xml",
}

// newerTypes are those that Go 1.26 knows beside them; when each came is not looked at.
var newerTypes = []string{
	".ai", ".apk", ".apng", ".bin", ".bmp", ".com", ".csv", ".doc", ".docx", ".ehtml", ".eml", ".eps", ".exe",
	".flac", ".gz", ".ico", ".ics", ".jfif", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".ogv", ".opus", ".pjp",
	".pjpeg", ".ppt", ".pptx", ".ps", ".rdf", ".rtf", ".shtml", ".text", ".tif", ".tiff", ".txt", ".vtt",
	".wav", ".webm", ".xbl", ".xbm", ".xht", ".xhtml", ".xls", ".xlsx", ".xsl", ".zip",
}

var mimeTypes = detector{names: slices.Concat(mimeLookups, mimeServers), detect: detectMIMETypes}

// detectMIMETypes takes a constant extension that is not built in for proof: without tables it has no type. One known at
// run time only, and a file server, may never be asked for such a file.
func detectMIMETypes(p *program, b *Binary) {
	var facts []fact
	for _, u := range p.usesOf(mimeLookups, inPackages("mime", "net/http")) {
		ext, constant := p.constant(u, 0)
		switch {
		case u.name != mimeLookups[0]:
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, "")})
		case !constant:
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with an extension known at run time only")})
		case !p.knowsType(strings.ToLower(ext)):
			certainty := Proven
			if slices.Contains(newerTypes, strings.ToLower(ext)) {
				certainty = Likely
			}
			facts = append(facts, fact{p.when(u, certainty), []string{ext}, p.evidence(u, "("+strconv.Quote(ext)+")")})
		}
	}
	for _, u := range p.usesOf(mimeServers, inPackages("net/http")) {
		facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, ", which asks for the type of every file")})
	}
	if len(facts) == 0 && len(p.uses[mimeLookups[0]]) == 0 {
		facts = p.linkedFact(mimeLookups[:1])
	}
	b.addNeed(TopicMIMETypes, facts)
}

// knowsType says whether an extension is built into the program for sure.
func (p *program) knowsType(ext string) bool {
	if slices.Contains(builtinTypes, ext) {
		return true
	}
	return p.info != nil && version.Compare(release(p.info.Version), "go1.26") >= 0 && slices.Contains(newerTypes, ext)
}

// release is a Go version without the experiments behind it: "go1.26.8 X:boringcrypto".
func release(v string) string {
	v, _, _ = strings.Cut(v, " ")
	return v
}
