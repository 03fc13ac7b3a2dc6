package layers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Provenance is what the builder says of how it made an image: an attestation that stands beside the image in its
// index. Nobody signed it; it is as true as the image's history, and more exact.
type Provenance struct {
	Digest string `json:"digest"` // of the attestation manifest
	// Because says why the statement cannot be read, "" if it was.
	Because string `json:"because,omitempty"`
	// Dockerfile is the file's name as the builder was given it, Source its text; that is nil unless the statement was
	// made with mode=max. BuildArgs are not written into reports: they may hold what should be secret.
	Dockerfile string            `json:"dockerfile,omitempty"`
	Source     []byte            `json:"-"`
	BuildArgs  map[string]string `json:"-"`
	Target     string            `json:"target,omitempty"` // stage, "" for the last
	// Base is the image that the first BaseLayers layers come from, "NAME:TAG@sha256:..."; "" if that is not known.
	Base       string `json:"-"`
	BaseLayers int    `json:"-"`

	lines []lineRange // of each layer in Source, zero if not known
}

// lineRange is a range of physical lines, from 1, both ends included.
type lineRange struct{ first, last int }

// Source: BuildKit docs/attestations/attestation-storage.md.
const (
	referenceDigest = "vnd.docker.reference.digest" // annotation: which image an attestation is about
	predicateType   = "in-toto.io/predicate-type"   // annotation of the statement's blob
	slsaProvenance  = "https://slsa.dev/provenance/"
)

// provenance reads the provenance of an image among the attestations that were met on the way to it, nil if there is none.
func (d *descent) provenance(ctx context.Context, image string, layers []descriptor) *Provenance {
	for _, desc := range d.attestations {
		if desc.Annotations[referenceDigest] != image {
			continue
		}
		statement, err := d.statement(ctx, desc)
		if err != nil {
			return &Provenance{Digest: desc.Digest, Because: oneLine(err)}
		}
		if statement == nil {
			continue
		}
		p, err := parseProvenance(statement, layers)
		if err != nil {
			p = &Provenance{Because: oneLine(err)}
		}
		p.Digest = desc.Digest
		return p
	}
	return nil
}

// statement reads the provenance statement of an attestation manifest, nil if it holds others only.
func (d *descent) statement(ctx context.Context, desc descriptor) ([]byte, error) {
	doc, err := d.fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	for _, l := range doc.Layers {
		if !strings.HasPrefix(l.Annotations[predicateType], slsaProvenance) {
			continue
		}
		data, err := d.store.document(ctx, l, maxConfig)
		if err == nil {
			err = verify(digestOf(data), l.Digest)
		}
		if err != nil {
			return nil, fmt.Errorf("provenance %s: %w", l.Digest, err)
		}
		return data, nil
	}
	return nil, nil
}

// predicate is BuildKit's part of a provenance statement. The two versions of SLSA hold the same under other names.
// Source: BuildKit docs/attestations/slsa-definitions.md.
type predicate struct {
	// Version 1.
	BuildDefinition struct {
		ExternalParameters struct {
			ConfigSource struct {
				Path string `json:"path"`
			} `json:"configSource"`
			Request buildRequest `json:"request"`
		} `json:"externalParameters"`
		InternalParameters struct {
			BuildConfig buildConfig `json:"buildConfig"`
		} `json:"internalParameters"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Metadata struct {
			BuildKit buildMetadata `json:"buildkit_metadata"`
		} `json:"metadata"`
	} `json:"runDetails"`
	// Version 0.2.
	Invocation struct {
		ConfigSource struct {
			EntryPoint string `json:"entryPoint"`
		} `json:"configSource"`
		Parameters buildRequest `json:"parameters"`
	} `json:"invocation"`
	BuildConfig buildConfig `json:"buildConfig"`
	Metadata    struct {
		BuildKit buildMetadata `json:"https://mobyproject.org/buildkit@v1#metadata"`
	} `json:"metadata"`
}

// buildRequest is what the frontend was asked for.
type buildRequest struct {
	Args map[string]string `json:"args"` // "build-arg:K", "target", ...
}

// buildConfig is the graph that was built.
type buildConfig struct {
	Definition []struct {
		ID string `json:"id"`
		Op struct {
			Op struct {
				Source struct {
					Identifier string `json:"identifier"` // "docker-image://NAME"
				} `json:"source"`
			} `json:"Op"`
		} `json:"op"`
	} `json:"llbDefinition"`
}

// buildMetadata maps the steps of the graph to lines and to layers.
type buildMetadata struct {
	Source struct {
		Locations map[string]struct {
			Locations []struct {
				SourceIndex int `json:"sourceIndex"`
				Ranges      []struct {
					Start linePosition `json:"start"`
					End   linePosition `json:"end"`
				} `json:"ranges"`
			} `json:"locations"`
		} `json:"locations"`
		Infos []struct {
			Filename string `json:"filename"`
			Language string `json:"language"`
			Data     []byte `json:"data"` // base64
		} `json:"infos"`
	} `json:"source"`
	Layers map[string][][]descriptor `json:"layers"` // by "STEP:OUTPUT": all layers of the step's result, the lowest first
}

type linePosition struct {
	Line int `json:"line"`
}

// parseProvenance reads a statement about an image of some layers.
func parseProvenance(statement []byte, layers []descriptor) (*Provenance, error) {
	var s struct {
		PredicateType string    `json:"predicateType"`
		Predicate     predicate `json:"predicate"`
	}
	if err := json.Unmarshal(statement, &s); err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	q := &s.Predicate
	config, meta := q.BuildDefinition.InternalParameters.BuildConfig, q.RunDetails.Metadata.BuildKit
	name, args := q.BuildDefinition.ExternalParameters.ConfigSource.Path, q.BuildDefinition.ExternalParameters.Request.Args
	if strings.HasPrefix(s.PredicateType, slsaProvenance+"v0") {
		config, meta = q.BuildConfig, q.Metadata.BuildKit
		name, args = q.Invocation.ConfigSource.EntryPoint, q.Invocation.Parameters.Args
	}
	p := &Provenance{Dockerfile: name, Target: args["target"], lines: make([]lineRange, len(layers))}
	for key, value := range args {
		if arg, ok := strings.CutPrefix(key, "build-arg:"); ok {
			if p.BuildArgs == nil {
				p.BuildArgs = map[string]string{}
			}
			p.BuildArgs[arg] = value
		}
	}
	if infos := meta.Source.Infos; len(infos) == 1 && infos[0].Language == "Dockerfile" && len(infos[0].Data) > 0 {
		p.Dockerfile, p.Source = infos[0].Filename, infos[0].Data
		for i := range layers {
			p.lines[i] = meta.linesOf(layers[:i+1])
		}
	}
	for _, step := range config.Definition {
		base, ok := strings.CutPrefix(step.Op.Op.Source.Identifier, "docker-image://")
		if !ok {
			continue
		}
		for _, result := range meta.Layers[step.ID+":0"] {
			if n := len(result); n > p.BaseLayers && n <= len(layers) && sameLayers(result, layers[:n]) {
				p.Base, p.BaseLayers = base, n
			}
		}
	}
	return p, nil
}

// linesOf returns the lines of the step whose result is these layers, the last of which it then made; zero if no step
// has it, or several of other lines have.
func (m *buildMetadata) linesOf(layers []descriptor) lineRange {
	var lines lineRange
	for output, results := range m.Layers {
		if !slices.ContainsFunc(results, func(r []descriptor) bool { return sameLayers(r, layers) }) {
			continue
		}
		step, _, _ := strings.Cut(output, ":")
		var of lineRange
		for _, l := range m.Source.Locations[step].Locations {
			for _, r := range l.Ranges {
				if l.SourceIndex == 0 && r.Start.Line > 0 && r.End.Line >= r.Start.Line {
					of.add(lineRange{r.Start.Line, r.End.Line})
				}
			}
		}
		switch {
		case of == lineRange{}:
		case lines == lineRange{}:
			lines = of
		case lines != of:
			return lineRange{}
		}
	}
	return lines
}

// add widens a range.
func (r *lineRange) add(other lineRange) {
	if r.first == 0 || other.first < r.first {
		r.first = other.first
	}
	r.last = max(r.last, other.last)
}

func sameLayers(a, b []descriptor) bool {
	return slices.EqualFunc(a, b, func(a, b descriptor) bool { return a.Digest == b.Digest })
}

// line returns the lines of Source that made layer i, 0 if they are not known.
func (p *Provenance) line(i int) (first, last int) {
	if p == nil || i >= len(p.lines) {
		return 0, 0
	}
	return p.lines[i].first, p.lines[i].last
}
