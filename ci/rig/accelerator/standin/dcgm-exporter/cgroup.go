package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// node is where the pods' readings are found.
type node struct {
	cgroups, podLogs string
}

// usage is what a pod has used of its CPU limit so far, and of memory now.
type usage struct {
	cpu    time.Duration // since the pod began
	limit  float64       // CPUs
	memory int64         // bytes, without the page cache that can be dropped
}

// read finds the pod's cgroup by the pod's UID, which the pod-resources socket
// does not tell, but the name of the pod's log folder does.
func (n node) read(namespace, pod string) (usage, error) {
	folders, err := filepath.Glob(filepath.Join(n.podLogs, namespace+"_"+pod+"_*"))
	if err != nil {
		return usage{}, err
	}
	for _, folder := range folders {
		uid := folder[strings.LastIndexByte(folder, '_')+1:]
		for _, class := range []string{"", "burstable", "besteffort"} { // guaranteed has no folder of its own
			group := filepath.Join("kubepods", class, "pod"+uid)
			if exists(filepath.Join(n.cgroups, "cgroup.controllers")) {
				if path := filepath.Join(n.cgroups, group); exists(path) {
					return readV2(path)
				}
			} else if exists(filepath.Join(n.cgroups, "cpuacct", group)) {
				return readV1(n.cgroups, group)
			}
		}
	}
	return usage{}, fmt.Errorf("pod %s/%s has no cgroup", namespace, pod)
}

func readV1(cgroups, group string) (usage, error) {
	in := func(controller, file string) string { return filepath.Join(cgroups, controller, group, file) }
	used, err1 := number(in("cpuacct", "cpuacct.usage"))
	quota, err2 := number(in("cpu", "cpu.cfs_quota_us"))
	period, err3 := number(in("cpu", "cpu.cfs_period_us"))
	memory, err4 := number(in("memory", "memory.usage_in_bytes"))
	cache, err5 := keyed(in("memory", "memory.stat"), "total_inactive_file")
	return usage{time.Duration(used), limit(quota, period), memory - cache}, errors.Join(err1, err2, err3, err4, err5)
}

func readV2(path string) (usage, error) {
	in := func(file string) string { return filepath.Join(path, file) }
	used, err1 := keyed(in("cpu.stat"), "usage_usec")
	text, err2 := os.ReadFile(in("cpu.max"))
	quota, period, err3 := parseMax(string(text))
	memory, err4 := number(in("memory.current"))
	cache, err5 := keyed(in("memory.stat"), "inactive_file")
	return usage{time.Duration(used) * time.Microsecond, limit(quota, period), memory - cache},
		errors.Join(err1, err2, err3, err4, err5)
}

// parseMax reads "30000 100000" or "max 100000".
func parseMax(text string) (quota, period int64, err error) {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0, 0, fmt.Errorf("cpu.max reads %q", text)
	}
	if fields[0] == "max" {
		return -1, 1, nil
	}
	quota, err1 := strconv.ParseInt(fields[0], 10, 64)
	period, err2 := strconv.ParseInt(fields[1], 10, 64)
	return quota, period, errors.Join(err1, err2)
}

// limit is in CPUs; a pod without one may use the whole node.
func limit(quota, period int64) float64 {
	if quota <= 0 || period <= 0 {
		return float64(runtime.NumCPU())
	}
	return float64(quota) / float64(period)
}

func number(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

func keyed(path, key string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == key {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, key)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
