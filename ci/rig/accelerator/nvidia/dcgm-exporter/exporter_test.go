package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// lines of one metric, each as its pod (or nothing) and its value.
func lines(metric string, shares shares, readings []reading, holders map[string]holder) string {
	var out strings.Builder
	writeText(&out, "rig-node", readings, shares, holders)
	var all []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, metric+"{") {
			continue
		}
		labels, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		_, pod, _ := strings.Cut(labels, `pod="`)
		all = append(all, strings.TrimSpace(pod+" "+value))
	}
	return strings.Join(all, "; ")
}

func TestPodsThatShareACardShowTheirOwnShareOrTheCardsValue(t *testing.T) {
	used := reading{
		card: &card{uuid: "GPU-a", name: "H", minor: "0"}, utilization: 90, used: 3000, free: 1000,
		pods: map[string]podUse{"uid-1": {60, 2000}, "uid-2": {30, 1000}},
	}
	idle := reading{card: &card{uuid: "GPU-b", number: 1, minor: "1"}, free: 4000}
	both := []reading{used, idle}
	holders := map[string]holder{"GPU-a::0": {"llm", "one", "o"}, "GPU-a::1": {"llm", "two", "o"}}
	uids := map[string]string{"llm/one": "uid-1", "llm/two": "uid-2"}

	for _, c := range []struct {
		metric string
		ofPod  bool
		want   string
	}{
		{"DCGM_FI_DEV_GPU_UTIL", true, `one",vgpu="0" 60; two",vgpu="1" 30; 0`},
		{"DCGM_FI_DEV_GPU_UTIL", false, `one",vgpu="0" 90; two",vgpu="1" 90; 0`},
		{"DCGM_FI_DEV_FB_USED", true, `one",vgpu="0" 2000; two",vgpu="1" 1000; 0`},
		{"DCGM_FI_DEV_FB_FREE", true, `one",vgpu="0" 1000; two",vgpu="1" 1000; 4000`},
	} {
		if got := lines(c.metric, shares{c.ofPod, uids}, both, holders); got != c.want {
			t.Errorf("%s, own shares %v: got %s, want %s", c.metric, c.ofPod, got, c.want)
		}
	}
	// A pod with a card of its own shows what the card shows, as with NVIDIA's exporter.
	alone := map[string]holder{"GPU-a": {"llm", "one", "o"}}
	if got := lines("DCGM_FI_DEV_GPU_UTIL", shares{true, uids}, both, alone); got != `one" 90; 0` {
		t.Error(got)
	}
}

func TestTheUseOfAPodIsThatOfItsProcessesSinceThen(t *testing.T) {
	podOf := func(pid uint32) string { return map[uint32]string{1: "a", 2: "a", 3: "b"}[pid] }
	samples := []nvml.ProcessUtilizationSample{
		{Pid: 1, TimeStamp: 100, SmUtil: 20}, {Pid: 1, TimeStamp: 101, SmUtil: 40}, {Pid: 2, TimeStamp: 100, SmUtil: 10},
		{Pid: 3, TimeStamp: 99, SmUtil: 80}, {Pid: 4, TimeStamp: 100, SmUtil: 50}, {Pid: 0, TimeStamp: 100, SmUtil: 7},
	}
	processes := []nvml.ProcessInfo{{Pid: 1, UsedGpuMemory: 3 << 20}, {Pid: 3, UsedGpuMemory: 1<<64 - 1}}
	got := fmt.Sprint(usesOfPods(samples, 100, processes, podOf))
	if got != "map[a:{40 3}]" {
		t.Fatal(got)
	}
}

func TestTheCgroupNamesThePodOfAProcess(t *testing.T) {
	const uid = "0f0e0d0c-1111-2222-3333-444455556666"
	proc := t.TempDir()
	write := func(pid, text string) {
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "cgroup"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("1", "0::/kubepods/burstable/pod"+uid+"/0123456789abcdef\n")
	write("2", "9:cpu,cpuacct:/kubepods/pod"+uid+"/0123\n1:name=systemd:/\n")
	write("3", "0::/user.slice\n")
	for pid, want := range map[uint32]string{1: uid, 2: uid, 3: "", 4: ""} {
		if got := podOfProcess(proc, pid); got != want {
			t.Errorf("process %d: got %q, want %q", pid, got, want)
		}
	}
}

func TestOfAPodMadeAgainTheNewestFolderCounts(t *testing.T) {
	logs := t.TempDir()
	for n, name := range []string{"llm_ollama-0_new", "llm_ollama-0_old", "not-a-pod"} {
		folder := filepath.Join(logs, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-time.Duration(n) * time.Hour)
		if err := os.Chtimes(folder, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(uids(logs)); got != "map[llm/ollama-0:new]" {
		t.Fatal(got)
	}
}
