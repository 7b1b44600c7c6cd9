package main

import (
	"bufio"
	"fmt"
	"io"
)

var fields = []struct {
	name, help string
	value      func(reading) int64
}{
	{"DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", func(r reading) int64 { return r.utilization }},
	{"DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", func(r reading) int64 { return r.allMemory - r.usedMemory }},
	{"DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", func(r reading) int64 { return r.usedMemory }},
}

// writeText follows dcgm-exporter 4: its order of labels, and no pod labels
// at all, rather than empty ones, for a device that nobody holds.
func writeText(w io.Writer, host string, readings []reading, holders map[string]holder) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	for _, field := range fields {
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", field.name, field.help, field.name)
		for i, r := range readings {
			fmt.Fprintf(out, "%s{gpu=\"%d\",UUID=%q,pci_bus_id=\"00000000:%02X:00.0\",device=\"nvidia%d\",modelName=\"Stand-in for an NVIDIA GPU\",Hostname=%q",
				field.name, i, r.id, i+1, i, host)
			if h, held := holders[r.id]; held {
				fmt.Fprintf(out, ",container=%q,namespace=%q,pod=%q", h.container, h.namespace, h.pod)
			}
			fmt.Fprintf(out, "} %d\n", field.value(r))
		}
	}
}
