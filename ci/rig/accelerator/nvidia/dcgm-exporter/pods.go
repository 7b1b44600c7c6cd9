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

// podNames: namespace/pod of the pods on this node, by UID. The pod-resources socket does not tell UIDs, but the pods' log folders
// are named NAMESPACE_POD_UID. The folder of a pod that was made again under its name has another UID, which no process has.
func podNames(podLogs string) map[string]string {
	all := map[string]string{}
	folders, _ := filepath.Glob(filepath.Join(podLogs, "*_*_*"))
	for _, folder := range folders {
		if parts := strings.Split(filepath.Base(folder), "_"); len(parts) == 3 {
			all[parts[2]] = parts[0] + "/" + parts[1]
		}
	}
	return all
}
