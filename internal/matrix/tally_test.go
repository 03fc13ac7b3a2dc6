package matrix

import (
	"fmt"
	"strings"
	"sync"
)

// tally counts the outcomes by topic.
type tally struct {
	mu     sync.Mutex
	topics []string // in the order of their first comparison
	counts map[string]*[outcomes]int
	told   map[string]int // comparisons in which the truth or the reader speaks of the topic
	limits map[limit]int  // how often each of the limits was seen
}

func newTally() *tally {
	return &tally{counts: map[string]*[outcomes]int{}, told: map[string]int{}, limits: map[limit]int{}}
}

// add counts a comparison; spoken says that it is about something.
func (t *tally) add(c comparison, spoken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts[c.topic] == nil {
		t.topics = append(t.topics, c.topic)
		t.counts[c.topic] = new([outcomes]int)
	}
	t.counts[c.topic][c.outcome]++
	if spoken {
		t.told[c.topic]++
	}
}

// addLimit counts a disagreement that is listed.
func (t *tally) addLimit(l limit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits[l]++
}

// String is the confusion table.
func (t *tally) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-14s %6s %6s", "topic", "cells", "spoken")
	for o := range outcomes {
		fmt.Fprintf(&s, " %12s", o)
	}
	for _, topic := range t.topics {
		sum := 0
		for _, n := range t.counts[topic] {
			sum += n
		}
		fmt.Fprintf(&s, "\n%-14s %6d %6d", topic, sum, t.told[topic])
		for _, n := range t.counts[topic] {
			fmt.Fprintf(&s, " %12d", n)
		}
	}
	return s.String()
}
