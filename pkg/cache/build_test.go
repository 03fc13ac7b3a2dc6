package cache

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	exe := func() string { return "exe" }
	setting := func(kv ...string) (list []debug.BuildSetting) {
		for i := 0; i < len(kv); i += 2 {
			list = append(list, debug.BuildSetting{Key: kv[i], Value: kv[i+1]})
		}
		return list
	}
	for _, test := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3 "},
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3+dirty"}}, "exe"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "exe"},
		{debug.BuildInfo{}, "exe"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: setting("vcs.revision", "abc", "vcs.modified", "false")}, "abc "},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: setting("vcs.revision", "abc", "vcs.modified", "true")}, "exe"},
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Deps: []*debug.Module{{Replace: &debug.Module{}}}}, "exe"},
	} {
		if got := buildOf(&test.info, exe); got != test.want && !(strings.HasSuffix(test.want, " ") && strings.HasPrefix(got, test.want)) {
			t.Errorf("%+v: %q, want %q", test.info, got, test.want)
		}
	}
	if executable() == "" {
		t.Error("the executable has no identity")
	}
}
