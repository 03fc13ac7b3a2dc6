package binary

import (
	"slices"
	"strconv"
)

// pluginOpen is linked without cgo too, where it only says "plugin: not implemented"; the calls into libc are not.
// Source: plugin/plugin_dlopen.go, plugin_stubs.go.
const pluginOpen = "plugin.Open"

var pluginCalls = []string{"plugin._Cfunc_pluginOpen", "plugin._Cfunc_pluginOpen.abi0"}

var plugins = detector{names: append([]string{pluginOpen, "plugin.open"}, pluginCalls...), detect: detectPlugin}

// detectPlugin looks for plugin.Open and, for libraries that C code loads, at the dynamic symbols. Package plugin itself
// calls dlopen.
func detectPlugin(p *program, b *Binary) {
	var facts []fact
	if len(p.linkedFact(pluginCalls)) > 0 {
		for _, u := range p.usesOf([]string{pluginOpen, "plugin.open"}, inPackages("plugin")) {
			text := ""
			if name, ok := p.constant(u, 0); ok {
				text = "(" + strconv.Quote(name) + ")"
			}
			facts = append(facts, fact{p.when(u, Likely), []string{pluginOpen}, p.evidence(u, text)})
		}
		if len(facts) == 0 {
			facts = []fact{{Possible, []string{pluginOpen}, Evidence{Text: "links " + pluginOpen}}}
		}
	} else if slices.ContainsFunc(b.ELF.Undefined, func(s Symbol) bool { return s.Name == "dlopen" || s.Name == "dlmopen" }) {
		facts = []fact{{Possible, []string{"dlopen"}, Evidence{Text: "has the undefined dynamic symbol dlopen"}}}
	}
	b.addNeed(TopicPlugin, facts)
}
