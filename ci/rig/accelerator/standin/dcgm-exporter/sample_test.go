package main

import (
	"testing"
	"time"

	"gpuhpa.example/rig/shared/exporter"
	"gpuhpa.example/rig/shared/podresources"
)

func TestTheSharesOfACardAddUpTo100AndAPodAloneShowsItsUse(t *testing.T) {
	holders := map[string]podresources.Holder{
		"GPU-a::0": {Namespace: "llm", Pod: "one"}, "GPU-a::1": {Namespace: "llm", Pod: "two"}, "GPU-a::2": {Namespace: "llm", Pod: "idle"},
		"GPU-b": {Namespace: "llm", Pod: "alone"}, "GPU-c": {Namespace: "llm", Pod: "new"},
	}
	idle := usage{limit: 0.5, memory: 100 << 20}
	busy := func(share float64) usage {
		return usage{cpu: time.Duration(share * float64(time.Second) / 2), limit: 0.5, memory: 100 << 20}
	}
	before := map[string]usage{"GPU-a::0": idle, "GPU-a::1": idle, "GPU-a::2": idle, "GPU-b": idle}
	after := map[string]usage{"GPU-a::0": busy(1), "GPU-a::1": busy(0.25), "GPU-a::2": idle, "GPU-b": busy(0.6), "GPU-c": busy(1)}
	s := &sampler{memory: 1024}
	read := func(id string) exporter.Reading {
		return s.reading(exporter.Device{ID: id}, holders, before, after, time.Second)
	}
	card := read("GPU-a")
	if card.Values != (exporter.Values{Utilization: 100, Used: 300, Free: 724}) {
		t.Error(card.Values)
	}
	for pod, want := range map[string]int64{"llm/one": 80, "llm/two": 20, "llm/idle": 0} {
		if got := card.Pods[pod]; got != (exporter.Values{Utilization: want, Used: 100, Free: 724}) {
			t.Errorf("%s: %+v", pod, got)
		}
	}
	if got := read("GPU-b").Values; got != (exporter.Values{Utilization: 60, Used: 100, Free: 924}) {
		t.Error(got)
	}
	for _, id := range []string{"GPU-c", "GPU-d"} {
		if got := read(id).Values; got != (exporter.Values{Free: 1024}) {
			t.Errorf("%s: %+v", id, got)
		}
	}
}
