package main

import (
	"log"
	"sync/atomic"
	"time"
)

type sampler struct {
	cards     []*card
	processes string
	current   atomic.Pointer[[]reading]
}

// latest is nil until the first sample is there.
func (s *sampler) latest() []reading {
	if current := s.current.Load(); current != nil {
		return *current
	}
	return nil
}

// run samples for ever. The processes' use is that of the last second, however long the interval is, because DCGM's value is that of
// the moment and not an average over the interval.
func (s *sampler) run(interval time.Duration) {
	window := min(interval, time.Second)
	for next := time.Now(); ; next = next.Add(interval) {
		time.Sleep(time.Until(next))
		readings, err := s.sample(window)
		if err != nil {
			log.Printf("warning: no new sample: %v", err)
		} else {
			s.current.Store(&readings)
		}
		if time.Since(next) > interval { // we fell behind: do not catch up in a rush
			next = time.Now().Add(-interval)
		}
	}
}

func (s *sampler) sample(window time.Duration) ([]reading, error) {
	podOf := func(pid uint32) string { return podOfProcess(s.processes, pid) }
	var readings []reading
	for _, card := range s.cards {
		reading, err := card.read(window, podOf)
		if err != nil {
			return nil, err
		}
		readings = append(readings, reading)
	}
	return readings, nil
}
