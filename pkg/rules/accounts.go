package rules

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// Accounts of the images by the kind of base. Sources: Debian's base-passwd, Alpine's alpine-baselayout; the groups that
// both have are the same.
var (
	debianUsers = strings.Fields("root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc nobody")
	alpineUsers = strings.Fields("root bin daemon lp sync shutdown halt mail news uucp cron ftp sshd games ntp guest nobody")
	baseUsers   = map[string][]string{"golang": debianUsers, "debian": debianUsers, "buildpack-deps": debianUsers, "golang-alpine": alpineUsers, "alpine": alpineUsers}
	baseGroups  = strings.Fields("root daemon bin sys adm tty disk lp mail news uucp audio video games users")
)

// bringAccounts copies /etc/passwd and /etc/group into an image that has neither, from a stage whose files surely have a
// user, or a group as ":NAME". It is unsafe where the service's own user gets another group or home by it.
func bringAccounts(p *audit.Pass, name string) *audit.Fix {
	fits, _ := p.DockerfileFits()
	for _, file := range []string{"/etc/passwd", "/etc/group"} {
		if _, ok := p.Image.FS.Entry(file); ok || !fits || !clear(p, file) {
			return nil
		}
	}
	from := accountStage(p, name)
	if from == "" {
		return nil
	}
	safety := audit.Safe
	home, _ := p.Image.Config.Getenv("HOME")
	id := p.Identity
	known := id.UID < 1000 || id.UID == 65534
	if known && home == "" || known && id.UID != 0 && !strings.Contains(id.User, ":") {
		safety = audit.Unsafe
	}
	return fixOf("Copy the users and groups into the image", safety, intoFinal(p, "COPY --from="+from+" /etc/passwd /etc/group /etc/"))
}

// accountStage is a stage that the final one copies from and that surely has a user or group: by its base, or by a line
// that makes it.
func accountStage(p *audit.Pass, name string) string {
	group, isGroup := strings.CutPrefix(name, ":")
	for _, in := range p.Dockerfile.Final().Instructions {
		if in.Copy == nil || in.Copy.From == nil || stageReach(p, in.Copy.From) == ships {
			continue
		}
		users := baseUsers[baseKindOf(in.Copy.From.Root())]
		switch {
		case isGroup && users != nil && slices.Contains(baseGroups, group),
			!isGroup && slices.Contains(users, name),
			!isGroup && makesUser(in.Copy.From, name):
			return flagValue(in, "from")
		}
	}
	return ""
}

// makesUser reports whether a line of a stage, whatever it is then, makes a user.
func makesUser(stage *dockerfile.Stage, name string) bool {
	return slices.ContainsFunc(steps(stage), func(in *dockerfile.Instruction) bool {
		script := in.Script()
		return in.Run != nil && script != nil && slices.ContainsFunc(script.Commands, func(c dockerfile.ShellCommand) bool {
			return len(c.Args) > 1 && slices.Contains([]string{"adduser", "useradd"}, c.Args[0].Value) &&
				slices.ContainsFunc(c.Args[1:], func(w dockerfile.ShellWord) bool { return w.Literal && w.Value == name })
		})
	})
}

// nameUser sets USER for a program that asks who it is: os/user itself takes it where /etc/passwd has no entry.
// Source: os/user/lookup_stubs.go, current.
func nameUser(p *audit.Pass, prog *audit.Program) *audit.Fix {
	fits, _ := p.DockerfileFits()
	if own := prog.Go.Settings["CGO_ENABLED"] == "0" || strings.Contains(prog.Go.Settings["-tags"], "osusergo"); !fits || !own {
		return nil
	}
	name := "app"
	if p.Identity.UID == 0 {
		name = "root"
	}
	return fixOf("Name the user in the environment", audit.Safe, intoFinal(p, "ENV USER="+name))
}
