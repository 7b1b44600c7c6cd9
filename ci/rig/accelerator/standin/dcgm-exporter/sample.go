package main

import (
	"context"
	"log"
	"math"
	"sync/atomic"
	"time"
)

// reading is the latest sample of one device.
type reading struct {
	id                    string
	utilization           int64 // 0..100
	usedMemory, allMemory int64 // MiB
}

type sampler struct {
	kubelet *kubelet
	node    node
	memory  int64
	current atomic.Pointer[[]reading]
}

// latest is nil until the first sample is there.
func (s *sampler) latest() []reading {
	if current := s.current.Load(); current != nil {
		return *current
	}
	return nil
}

// run samples for ever. A busy share needs two looks at the CPU time; they are
// at most a second apart however long the interval is, because DCGM's value is
// that of the moment and not an average over the interval.
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
	ctx := context.Background()
	ids, err := s.kubelet.devices(ctx)
	if err != nil {
		return nil, err
	}
	holders, err := s.kubelet.holders(ctx)
	if err != nil {
		return nil, err
	}
	before, start := s.usages(holders), time.Now()
	time.Sleep(window - time.Millisecond)
	after, elapsed := s.usages(holders), time.Since(start)

	readings := make([]reading, 0, len(ids))
	for _, id := range ids {
		r := reading{id: id, allMemory: s.memory}
		first, ok1 := before[id]
		last, ok2 := after[id]
		if ok1 && ok2 {
			busy := 100 * float64(last.cpu-first.cpu) / (float64(elapsed) * last.limit)
			r.utilization = int64(math.Round(max(0, min(100, busy))))
			r.usedMemory = min(last.memory>>20, s.memory)
		}
		readings = append(readings, r)
	}
	return readings, nil
}

// usages reads the pod of each device; a pod that has just come or gone has
// none, and its device reads 0 as an idle card does.
func (s *sampler) usages(holders map[string]holder) map[string]usage {
	usages := map[string]usage{}
	for id, holder := range holders {
		if usage, err := s.node.read(holder.namespace, holder.pod); err == nil {
			usages[id] = usage
		}
	}
	return usages
}
