package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var podFolder = regexp.MustCompile(`/pod([0-9a-f-]{36})`)

// podOfProcess is the UID of the pod in whose cgroup a process runs; empty for a process in none. processes is the node's /proc:
// NVML names processes by their number on the node.
func podOfProcess(processes string, pid uint32) string {
	text, err := os.ReadFile(filepath.Join(processes, fmt.Sprint(pid), "cgroup"))
	if err != nil {
		return ""
	}
	if found := podFolder.FindStringSubmatch(string(text)); found != nil {
		return found[1]
	}
	return ""
}

// uids of the pods on this node, by namespace/pod. The pod-resources socket does not tell them, but the pods' log folders are named
// NAMESPACE_POD_UID. Of a pod that was made again under its name the newest folder counts.
func uids(podLogs string) map[string]string {
	newest := map[string]os.FileInfo{}
	all := map[string]string{}
	folders, _ := filepath.Glob(filepath.Join(podLogs, "*_*_*"))
	for _, folder := range folders {
		parts := strings.Split(filepath.Base(folder), "_")
		info, err := os.Stat(folder)
		if err != nil || len(parts) != 3 {
			continue
		}
		name := parts[0] + "/" + parts[1]
		if known := newest[name]; known == nil || info.ModTime().After(known.ModTime()) {
			newest[name], all[name] = info, parts[2]
		}
	}
	return all
}
