package layers

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"
)

// imageConfig is the configuration document. Sources: OCI image-spec config.md; Docker's Healthcheck and Shell.
type imageConfig struct {
	Created      *time.Time `json:"created"`
	OS           string     `json:"os"`
	Architecture string     `json:"architecture"`
	Variant      string     `json:"variant"`
	Config       struct {
		User         string
		Env          []string
		Entrypoint   []string
		Cmd          []string
		WorkingDir   string
		StopSignal   string
		Shell        []string
		ExposedPorts map[string]struct{}
		Volumes      map[string]struct{}
		Labels       map[string]string
		Healthcheck  *struct{ Test []string }
		OnBuild      []string
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		Comment    string `json:"comment"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
}

// parseConfig reads a configuration that goes with a number of layers.
func parseConfig(data []byte, layers int) (*imageConfig, error) {
	var c imageConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	if c.RootFS.Type != "" && c.RootFS.Type != "layers" {
		return nil, fmt.Errorf("rootfs of type %.80q: %w", c.RootFS.Type, ErrNotImage)
	}
	if len(c.RootFS.DiffIDs) != layers {
		return nil, fmt.Errorf("the config lists %d layers, the manifest %d", len(c.RootFS.DiffIDs), layers)
	}
	for _, id := range c.RootFS.DiffIDs {
		if !digestForm.MatchString(id) {
			return nil, fmt.Errorf("malformed or unsupported diffID %.80q", id)
		}
	}
	if c.OS == "" && c.Architecture == "" && c.RootFS.Type == "" && layers == 0 {
		return nil, errors.New("no image configuration")
	}
	return &c, nil
}

// runtime gives the part that the run-time obeys.
func (c *imageConfig) runtime() Config {
	out := Config{
		User: c.Config.User, Env: c.Config.Env, Entrypoint: c.Config.Entrypoint, Cmd: c.Config.Cmd,
		WorkingDir: c.Config.WorkingDir, StopSignal: c.Config.StopSignal, Shell: c.Config.Shell,
		ExposedPorts: keys(c.Config.ExposedPorts), Volumes: keys(c.Config.Volumes), Labels: c.Config.Labels, OnBuild: c.Config.OnBuild,
	}
	if c.Config.Healthcheck != nil {
		out.Healthcheck = c.Config.Healthcheck.Test
	}
	if c.Created != nil {
		out.Created = *c.Created
	}
	return out
}

func (c *imageConfig) platform() Platform {
	return Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}
}

// exporterComment marks the steps that BuildKit's exporter adds at the end for layers of a base image that has no
// history. They name no instruction and say nothing of which layer is theirs.
// Source: observed of buildkitd v0.31.2; exporter/containerimage/writer.go, normalizeLayersAndHistory.
const exporterComment = "buildkit.exporter.image.v0"

// steps gives the history, and for each layer the step that made it, -1 if that is not known. The steps that make
// layers belong to the layers in order. With fewer steps than layers a base image without history lies below: builders
// add at the end, so the pairing is from the end. With more steps nothing is known.
func (c *imageConfig) steps() (steps []Step, of []int) {
	of = make([]int, len(c.RootFS.DiffIDs))
	for i := range of {
		of[i] = -1
	}
	var makers []int
	for _, h := range c.History {
		if h.Comment == exporterComment {
			continue
		}
		if !h.EmptyLayer {
			makers = append(makers, len(steps))
		}
		steps = append(steps, Step{CreatedBy: h.CreatedBy, Comment: h.Comment, Empty: h.EmptyLayer, Layer: -1})
	}
	first := len(of) - len(makers)
	if first < 0 {
		return steps, of
	}
	for i, step := range makers {
		steps[step].Layer, of[first+i] = first+i, step
	}
	return steps, of
}

func keys(m map[string]struct{}) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
