package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

func TestTheUseOfAPodIsThatOfItsProcessesSinceThen(t *testing.T) {
	podOf := func(pid uint32) string { return map[uint32]string{1: "a", 2: "a", 3: "b"}[pid] }
	samples := []nvml.ProcessUtilizationSample{
		{Pid: 1, TimeStamp: 100, SmUtil: 20}, {Pid: 1, TimeStamp: 101, SmUtil: 40}, {Pid: 2, TimeStamp: 100, SmUtil: 10},
		{Pid: 3, TimeStamp: 99, SmUtil: 80}, {Pid: 4, TimeStamp: 100, SmUtil: 50}, {Pid: 0, TimeStamp: 100, SmUtil: 7},
	}
	processes := []nvml.ProcessInfo{{Pid: 1, UsedGpuMemory: 3 << 20}, {Pid: 3, UsedGpuMemory: 1<<64 - 1}}
	got := fmt.Sprint(usesOfPods(samples, 100, processes, podOf))
	if got != "map[a:{40 3 0}]" {
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

func TestTheLogFolderNamesThePodOfAUID(t *testing.T) {
	logs := t.TempDir()
	for _, name := range []string{"llm_ollama-0_new", "llm_ollama-0_old", "not-a-pod"} {
		if err := os.Mkdir(filepath.Join(logs, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(podNames(logs)); got != "map[new:llm/ollama-0 old:llm/ollama-0]" {
		t.Fatal(got)
	}
}
