package main

import (
	"time"

	"gpuhpa.example/rig/shared/exporter"
)

type sampler struct {
	cards              []*card
	processes, podLogs string
}

func (s *sampler) sample(window time.Duration) ([]exporter.Reading, error) {
	names := podNames(s.podLogs)
	podOf := func(pid uint32) string { return names[podOfProcess(s.processes, pid)] }
	var readings []exporter.Reading
	for _, card := range s.cards {
		reading, err := card.read(window, podOf)
		if err != nil {
			return nil, err
		}
		readings = append(readings, reading)
	}
	return readings, nil
}
