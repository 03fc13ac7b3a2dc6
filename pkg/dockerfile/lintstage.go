package dockerfile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// stage follows dispatchStages and dispatch of dockerfile2llb/convert.go through one stage. BuildKit checks every stage,
// but gives the triggers of a parent's ONBUILD only to those that the target needs.
func (c *check) stage(s *Stage, st instructions.Stage) error {
	cs := c.newState(s)
	needed := c.r.file.Reachable(s)
	for _, p := range c.r.steps[s] {
		in, location := p.in, p.cmd.Location()
		if p.trigger {
			if !needed {
				continue
			}
			in, location = s.From, st.Location
		}
		d := &dispatch{check: c, checkState: cs, in: in, location: location, trigger: p.trigger}
		d.lint = c.lint.WithMergedConfigFromComments(p.cmd.Comments())
		c.about(in, in.word(0))
		if err := d.run(p.cmd); err != nil {
			if needed {
				return parser.WithLocation(err, location)
			}
			return nil
		}
	}
	return nil
}

// dispatch is one instruction in the check of its stage.
type dispatch struct {
	*check
	*checkState
	lint     *linter.Linter
	in       *Instruction // FROM for a trigger
	location []parser.Range
	trigger  bool
	used     map[int]bool // offsets where a variable has been reported
}

// run checks what the instruction's dispatch function in dockerfile2llb checks.
func (d *dispatch) run(cmd instructions.Command) error {
	switch cmd := cmd.(type) {
	case *instructions.EnvCommand:
		return d.env(cmd)
	case *instructions.LabelCommand:
		return d.labels(cmd)
	case *instructions.ArgCommand:
		return d.arg(cmd)
	case *instructions.RunCommand:
		return d.mounts(cmd)
	case *instructions.CopyCommand:
		return d.copied("Copy", cmd.SourcesAndDest, cmd.From == "", cmd.Chown, cmd.Chmod)
	case *instructions.AddCommand:
		return d.copied("Add", cmd.SourcesAndDest, true, cmd.Chown, cmd.Chmod, cmd.Checksum)
	case *instructions.WorkdirCommand:
		return d.workDir(cmd.Path)
	case *instructions.UserCommand:
		_, _, err := d.expand(cmd.User, d.place(0))
		return err
	case *instructions.StopSignalCommand:
		_, _, err := d.expand(cmd.Signal, d.place(0))
		return err
	case *instructions.VolumeCommand:
		return d.volumes(cmd)
	case *instructions.ExposeCommand:
		return d.expose(cmd)
	case *instructions.ShellCommand:
		d.shell = true
	case *instructions.CmdCommand:
		d.once(&d.cmd, cmd.Name())
		d.jsonArgs(cmd.ShellDependantCmdLine, cmd.Name())
	case *instructions.EntrypointCommand:
		d.once(&d.entrypoint, cmd.Name())
		d.jsonArgs(cmd.ShellDependantCmdLine, cmd.Name())
	case *instructions.HealthCheckCommand:
		d.once(&d.healthcheck, cmd.Name())
	}
	return nil
}

// place is where the k-th word stands; for a trigger, the base that brings it.
func (d *dispatch) place(k int) Span {
	if d.trigger {
		k = 0
	}
	return d.in.word(k)
}

// once is validateUsedOnce: of several CMD, ENTRYPOINT or HEALTHCHECK the last one counts. BuildKit names the one before.
func (d *dispatch) once(t *tracker, name string) {
	if t.in != nil {
		at := t.in.keywordSpan()
		if t.in.Keyword == "FROM" {
			at = t.in.word(0)
		}
		d.about(t.in, at)
		rule := &linter.RuleMultipleInstructionsDisallowed
		d.lint.Run(rule, t.location, rule.Format(name))
	}
	*t = tracker{d.in, d.location}
}

// jsonArgs reports the shell form of CMD and ENTRYPOINT where no SHELL was chosen.
func (d *dispatch) jsonArgs(c instructions.ShellDependantCmdLine, name string) {
	if !c.PrependShell || d.shell {
		return
	}
	at := d.place(0)
	if !d.trigger {
		at = d.in.words()
	}
	d.about(d.in, at)
	d.unsure = d.open
	rule := &linter.RuleJSONArgsRecommended
	d.lint.Run(rule, d.location, rule.Format(name))
}

// env checks and sets the pairs: all are expanded in what was before.
func (d *dispatch) env(cmd *instructions.EnvCommand) error {
	pairs, err := d.pairs(cmd.Env)
	if err != nil {
		return err
	}
	for k, v := range pairs {
		d.legacy(cmd.Env[k], cmd.Name())
		if v.key.known {
			d.secretKey("ENV", v.key.text, k)
			d.define(v.key.text, v.value.text, v.value.known)
			d.addImage(v.key.text, v.value.text, v.value.known)
		}
	}
	return nil
}

func (d *dispatch) labels(cmd *instructions.LabelCommand) error {
	_, err := d.pairs(cmd.Labels)
	for k := range cmd.Labels {
		if err == nil {
			d.legacy(cmd.Labels[k], cmd.Name())
		}
	}
	return err
}

// expanded is a word after expansion.
type expanded struct {
	text  string
	known bool
}

type pair struct{ key, value expanded }

// pairs expands the words of ENV and LABEL.
func (d *dispatch) pairs(kvps instructions.KeyValuePairs) ([]pair, error) {
	out := make([]pair, len(kvps))
	for k, kvp := range kvps {
		keyAt, valueAt := d.place(k), d.place(k)
		if !d.trigger && k < len(d.in.Words) {
			keyAt = d.in.keySpan(k)
			_, valueAt = d.in.pairSpans(k)
		}
		var err error
		if out[k].key.text, out[k].key.known, err = d.expand(kvp.Key, keyAt); err != nil {
			return nil, err
		}
		if out[k].value.text, out[k].value.known, err = d.expand(kvp.Value, valueAt); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// legacy reports "ENV key value".
func (d *dispatch) legacy(kvp instructions.KeyValuePair, name string) {
	if kvp.NoDelim {
		d.about(d.in, d.place(0))
		rule := &linter.RuleLegacyKeyValueFormat
		d.lint.Run(rule, d.location, rule.Format(name))
	}
}

// arg is dispatchArg: --build-arg, else the default, else the value before the first FROM.
func (d *dispatch) arg(cmd *instructions.ArgCommand) error {
	for k, arg := range cmd.Args {
		d.secretKey("ARG", arg.Key, k)
		given, isGiven := d.r.file.Options.BuildArgs[arg.Key]
		global := d.global.lookup(arg.Key)
		value, isKnown, set := "", true, true
		switch {
		case isGiven:
			value = given
		case arg.Value != nil:
			at := d.place(k)
			if !d.trigger && k < len(d.in.Words) {
				_, at = d.in.pairSpans(k)
			}
			var err error
			if value, isKnown, err = d.expand(*arg.Value, at); err != nil {
				return err
			}
		case global.kind == undefined:
			set = false
		default:
			value, isKnown = global.value, global.kind == known
		}
		if set && !slices.Contains(scanArgs, arg.Key) {
			d.define(arg.Key, value, isKnown)
		}
		d.args[arg.Key] = true
	}
	return nil
}

// scanArgs are the ARGs that BuildKit keeps out of the environment (nonEnvArgs).
var scanArgs = []string{"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"}

// mounts expands the values of --mount. One that cannot be read because a value is unknown is no error.
func (d *dispatch) mounts(cmd *instructions.RunCommand) error {
	var flags []Span
	for _, f := range d.in.Flags {
		if f.Name == "mount" && !d.trigger {
			flags = append(flags, f.Span)
		}
	}
	if d.trigger {
		flags = []Span{d.place(0)}
	}
	allKnown := true
	err := cmd.Expand(func(word string) (string, error) {
		value, isKnown, err := d.expand(word, flags...)
		allKnown = allKnown && isKnown
		return value, err
	})
	if !allKnown {
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range instructions.GetMounts(cmd) {
		onRoot := path.Clean(m.Target) == "/" || !path.IsAbs(m.Target) && d.dir != "" && path.Join(d.dir, m.Target) == "/"
		if m.Type != instructions.MountTypeSecret && m.Type != instructions.MountTypeSSH && onRoot {
			return fmt.Errorf("invalid mount target %q", "/")
		}
	}
	return nil
}

func (d *dispatch) volumes(cmd *instructions.VolumeCommand) error {
	empty := false
	for k, v := range cmd.Volumes {
		value, isKnown, err := d.expand(v, d.place(k))
		if err != nil {
			return err
		}
		empty = empty || isKnown && value == ""
	}
	if empty {
		return errors.New("VOLUME specified can not be an empty string")
	}
	return nil
}

// workDir reports a relative directory where none above it is set.
func (d *dispatch) workDir(word string) error {
	value, isKnown, err := d.expand(word, d.place(0))
	if err != nil {
		return err
	}
	if !d.workdirSet && !absolute(value, d.os) && (isKnown || !strings.HasPrefix(word, "$")) {
		d.about(d.in, d.place(0))
		d.unsure = !isKnown
		rule := &linter.RuleWorkdirRelativePath
		d.lint.Run(rule, d.location, rule.Format(value))
	}
	d.workdirSet = true
	switch {
	case !isKnown:
		d.dir = ""
	case path.IsAbs(value):
		d.dir = path.Clean(value)
	case d.dir != "":
		d.dir = path.Join(d.dir, value)
	}
	return nil
}

// absolute is system.IsAbs of BuildKit.
func absolute(dir, os string) bool {
	if os != "windows" {
		return strings.HasPrefix(dir, "/")
	}
	if len(dir) >= 2 && dir[1] == ':' {
		if dir[0]|0x20 != 'c' {
			return false
		}
		dir = dir[2:]
	}
	return strings.HasPrefix(strings.ReplaceAll(dir, `\`, "/"), "/")
}
