// Command dcgm-exporter serves what NVIDIA's dcgm-exporter serves, for the stand-in devices. The text, the labels and the way a
// device finds its pod are NVIDIA's; the readings are those of the pod that holds the device, from its cgroup. A pod that does
// inference on the CPU is as busy as that, and nothing here can be told what to say. Where pods share a card, -attribution chooses
// what each of them shows.
package main

import (
	"flag"
	"log"

	"gpuhpa.example/rig/shared/exporter"
)

func main() {
	e := exporter.Flags()
	cgroups := flag.String("cgroups", "/sys/fs/cgroup", "where the node's cgroups are mounted")
	memory := flag.Int64("memory", 1024, "MiB that each device is said to have")
	flag.Parse()
	if err := e.Dial(); err != nil {
		log.Fatal(err)
	}
	sampler := &sampler{exporter: e, node: node{cgroups: *cgroups, podLogs: e.PodLogs}, memory: *memory}
	e.Sample = sampler.sample
	log.Fatal(e.Run())
}
