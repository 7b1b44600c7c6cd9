package main

import (
	"context"
	"math"
	"strings"
	"time"

	"gpuhpa.example/rig/shared/exporter"
	"gpuhpa.example/rig/shared/podresources"
	"gpuhpa.example/rig/standin/devices"
)

type sampler struct {
	exporter *exporter.Exporter
	node     node
	memory   int64
}

func (s *sampler) sample(window time.Duration) ([]exporter.Reading, error) {
	ctx := context.Background()
	ids, err := s.exporter.Devices(ctx)
	if err != nil {
		return nil, err
	}
	all, err := devices.Of(ids)
	if err != nil {
		return nil, err
	}
	// What a card does shows whatever the exporter may say of its pods.
	holders, err := s.exporter.Holders(ctx, true)
	if err != nil {
		return nil, err
	}
	before, start := s.usages(holders), time.Now()
	// A busy share needs two looks at the CPU time.
	time.Sleep(window - time.Millisecond)
	after, elapsed := s.usages(holders), time.Since(start)

	readings := make([]exporter.Reading, 0, len(all))
	for _, device := range all {
		readings = append(readings, s.reading(device, holders, before, after, elapsed))
	}
	return readings, nil
}

// reading of a device: the use of the pods that hold it, or a replica of it.
func (s *sampler) reading(device exporter.Device, holders map[string]podresources.Holder, before, after map[string]usage, elapsed time.Duration) exporter.Reading {
	busy := map[string]float64{}
	r := exporter.Reading{Device: device, Pods: map[string]exporter.Values{}}
	var sum float64
	for id, holder := range holders {
		first, ok1 := before[id]
		last, ok2 := after[id]
		if base, _, _ := strings.Cut(id, "::"); base != device.ID || !ok1 || !ok2 {
			continue
		}
		percent := 100 * float64(last.cpu-first.cpu) / (float64(elapsed) * last.limit)
		percent = max(0, min(100, percent))
		busy[holder.PodName()] += percent
		sum += percent
		used := r.Pods[holder.PodName()]
		used.Used = min(last.memory>>20, s.memory)
		r.Pods[holder.PodName()] = used
		r.Values.Used = min(r.Values.Used+used.Used, s.memory)
	}
	// Each pod has a CPU limit of its own. A card has one: the shares of its pods add up to 100 at most.
	for pod, percent := range busy {
		values := r.Pods[pod]
		values.Utilization = int64(math.Round(percent * 100 / max(100, sum)))
		values.Free = s.memory - r.Values.Used
		r.Pods[pod] = values
	}
	r.Values.Utilization = int64(math.Round(min(100, sum)))
	r.Values.Free = s.memory - r.Values.Used
	return r
}

// usages reads the pod of each device; a pod that has just come or gone has none, and its device reads 0 as an idle card does.
func (s *sampler) usages(holders map[string]podresources.Holder) map[string]usage {
	usages := map[string]usage{}
	for id, holder := range holders {
		if usage, err := s.node.read(holder.Namespace, holder.Pod); err == nil {
			usages[id] = usage
		}
	}
	return usages
}
