package accuracy

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// image is a program on a base for a user, and what else is changed.
type image struct {
	variant, need string
	base          *base
	user          string
	spoil         *spoil // nil for none
	narrow        bool   // few bases show the spoil
	onlyRoot      bool   // as the spoil has it
	once          bool   // not run on a read-only root
}

func (i image) String() string {
	name := strings.Join([]string{i.variant, i.base.name, i.user, i.need}, "/")
	if i.spoil != nil {
		name += "/" + i.spoil.name
	}
	return name
}

// cell is one run of an image.
type cell struct {
	image
	readOnly bool

	foretold []audit.Prediction
	seen     prove.Observed
}

func (c *cell) String() string {
	if c.readOnly {
		return c.image.String() + "/read-only"
	}
	return c.image.String()
}

// tokyo is the zone that local time is told in.
const tokyo = "Asia/Tokyo"

// described is what a builder makes of the image.
func (i image) described(program []byte, p parts) imagetest.Image {
	config := i.base.config
	config.Entrypoint, config.User = []string{"/app"}, i.user
	config.Env = slices.Clone(config.Env)
	if i.need == "localtime" {
		config.Env = append(config.Env, "TZ="+tokyo)
	}
	app := []layers.File{{Path: "app", Mode: 0o755, Data: program}}
	if i.spoil != nil {
		m := &made{&config, app, p}
		i.spoil.change(m)
		app = m.files
	}
	all := [][]layers.File{app}
	img := imagetest.Image{Config: config, Layers: all, Packing: map[int]imagetest.Packing{0: imagetest.Plain}}
	if i.base.layer != nil {
		img.Layers, img.Packing[1] = [][]layers.File{nil, app}, imagetest.Plain
		img.Raw = map[int][]byte{0: i.base.layer}
	}
	return img
}

// predict audits the image as `imgaudit check` does.
func predict(ctx context.Context, archive string, opt target.Options) (*audit.Subject, *audit.Result, error) {
	opt.Now = time.Now()
	subjects, err := target.Subjects(ctx, []string{"oci-archive:" + archive}, opt)
	if err != nil {
		return nil, nil, err
	}
	r := audit.Run(subjects[0], rules.All())
	if u := subjects[0].Unread; len(u) > 0 {
		return nil, nil, fmt.Errorf("auditing %s: %s: %s", archive, u[0].What, u[0].Because)
	}
	return subjects[0], r, nil
}

// foretold are the findings that a run can show, the worst of each rule.
func foretold(r *audit.Result, readOnly bool) (all []audit.Prediction) {
	for _, f := range r.Findings {
		if slices.Contains(judged, f.Rule) {
			all = append(all, audit.Prediction{Rule: f.Rule, Severity: f.Severity, Certainty: f.Certainty, Message: f.Message, Words: f.Words})
		}
	}
	if readOnly {
		all = append(all, prove.UnderReadOnly(r)...)
	}
	slices.SortStableFunc(all, func(a, b audit.Prediction) int {
		return cmp.Compare(slices.Index(audit.Severities, a.Severity), slices.Index(audit.Severities, b.Severity))
	})
	return slices.CompactFunc(all, func(a, b audit.Prediction) bool { return a.Rule == b.Rule })
}

// asked is how a program is watched: what listens is asked for its profiles, too.
var asked = prove.Needs{Path: "/debug/pprof/", Watch: 100 * time.Millisecond, Grace: 3 * time.Second}

// fill foretells and runs the cells of one image.
func (r *rig) fill(t *testing.T, i image, cells []*cell) error {
	program, err := r.program(i.variant, i.need)
	if err != nil {
		return err
	}
	began := time.Now()
	archive := filepath.Join(t.TempDir(), "image.tar")
	imagetest.WriteOCIArchive(t, archive, "", i.described(program, r.parts).Build(t))
	r.times.since("writing images", began)
	began = time.Now()
	_, result, err := predict(t.Context(), archive, target.Options{})
	if err != nil {
		return err
	}
	r.times.since("auditing", began)
	for _, c := range cells {
		c.foretold, began = foretold(result, c.readOnly), time.Now()
		if c.seen, err = prove.Observe(t.Context(), r.runc, archive, asked, c.readOnly); err != nil {
			return fmt.Errorf("running %s: %w", c, err)
		}
		r.times.since("running", began)
	}
	return nil
}
