package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

var want = usage{cpu: 2500 * time.Millisecond, limit: 0.3, memory: 60 << 20}

func TestAPodIsReadFromCgroupVersion1(t *testing.T) {
	n := machine(t, map[string]string{
		"cpuacct/kubepods/burstable/poduid-1/cpuacct.usage":        "2500000000\n",
		"cpu/kubepods/burstable/poduid-1/cpu.cfs_quota_us":         "30000\n",
		"cpu/kubepods/burstable/poduid-1/cpu.cfs_period_us":        "100000\n",
		"memory/kubepods/burstable/poduid-1/memory.usage_in_bytes": "67108864\n",
		"memory/kubepods/burstable/poduid-1/memory.stat":           "inactive_file 1\ntotal_inactive_file 4194304\n",
	})
	check(t, n, want)
}

func TestAPodIsReadFromCgroupVersion2(t *testing.T) {
	n := machine(t, map[string]string{
		"cgroup.controllers":                         "cpu memory\n",
		"kubepods/burstable/poduid-1/cpu.stat":       "usage_usec 2500000\nuser_usec 1\n",
		"kubepods/burstable/poduid-1/cpu.max":        "30000 100000\n",
		"kubepods/burstable/poduid-1/memory.stat":    "anon 1\ninactive_file 4194304\n",
		"kubepods/burstable/poduid-1/memory.current": "67108864\n",
	})
	check(t, n, want)
}

func TestAGuaranteedPodHasNoFolderOfItsClass(t *testing.T) {
	n := machine(t, map[string]string{
		"cgroup.controllers":               "cpu memory\n",
		"kubepods/poduid-1/cpu.stat":       "usage_usec 2500000\n",
		"kubepods/poduid-1/cpu.max":        "30000 100000\n",
		"kubepods/poduid-1/memory.stat":    "inactive_file 4194304\n",
		"kubepods/poduid-1/memory.current": "67108864\n",
	})
	check(t, n, want)
}

func TestAPodWithoutACgroupIsAnError(t *testing.T) {
	if got, err := machine(t, nil).read("llm", "ollama-1"); err == nil {
		t.Fatalf("got %+v", got)
	}
}

func check(t *testing.T, n node, want usage) {
	t.Helper()
	got, err := n.read("llm", "ollama-1")
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

// machine has the log folder of pod llm/ollama-1 with UID uid-1, and files
// below its cgroup mounts.
func machine(t *testing.T, files map[string]string) node {
	t.Helper()
	n := node{cgroups: t.TempDir(), podLogs: t.TempDir()}
	if err := os.Mkdir(filepath.Join(n.podLogs, "llm_ollama-1_uid-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(n.cgroups, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
