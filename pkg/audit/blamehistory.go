package audit

// BlameIn blames the instruction that put a path into a layer, whether or not a later layer hides it.
func (s *Subject) BlameIn(layer int, p string) Cause { return s.blameLayer(layer, p) }

// BlameStep blames the instruction that a step of the image's history comes from: for what stands in the history itself.
func (s *Subject) BlameStep(step int) Cause {
	b := s.blame
	switch {
	case b.fault != "":
		return s.unknown("%s", b.fault)
	case step < b.own:
		return s.fromLine(Blame{Kind: BlameBase, Because: "it comes from the base image " + b.final.Root().Base})
	case step >= len(b.steps) || b.steps[step] == nil:
		return s.unknown("history step %d is no line of the Dockerfile", step+1)
	}
	return s.BlameLine(b.steps[step])
}
