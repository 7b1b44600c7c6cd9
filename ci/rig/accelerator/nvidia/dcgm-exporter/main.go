// Command dcgm-exporter serves what NVIDIA's dcgm-exporter serves, read with NVML from the machine's cards: NVIDIA's own needs the
// DCGM service, which the rig does not have. Where a card is time-sliced, -attribution chooses what each of its pods shows; its own
// share is the SM utilization and the memory of its processes.
package main

import (
	"flag"
	"log"

	"gpuhpa.example/rig/shared/exporter"
)

func main() {
	e := exporter.Flags()
	flag.Parse()
	if err := e.Dial(); err != nil {
		log.Fatal(err)
	}
	cards, err := openCards()
	if err != nil {
		log.Fatal(err)
	}
	sampler := &sampler{cards: cards, processes: "/proc", podLogs: e.PodLogs}
	e.Sample = sampler.sample
	log.Fatal(e.Run())
}
