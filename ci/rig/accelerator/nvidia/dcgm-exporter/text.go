package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// shares says what a pod that shares a card shows: its own share, or the card's value.
type shares struct {
	ofPod bool
	uids  map[string]string // of the pods, by namespace/pod
}

// field is one metric: its value of a card, and of one pod on it.
type field struct {
	name, help string
	card       func(reading) int64
	pod        func(reading, podUse) int64
}

var fields = []field{
	{"DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).",
		func(r reading) int64 { return r.utilization }, func(_ reading, use podUse) int64 { return use.utilization }},
	// What is free is free for every pod.
	{"DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).",
		func(r reading) int64 { return r.free }, func(r reading, _ podUse) int64 { return r.free }},
	{"DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).",
		func(r reading) int64 { return r.used }, func(_ reading, use podUse) int64 { return use.used }},
}

// writeText follows dcgm-exporter 4: its order of labels, and no pod labels at all, rather than empty ones, for a card without
// a pod. Each pod that shares a card has a series, whose label vgpu tells the replica.
func writeText(w io.Writer, host string, readings []reading, shares shares, holders map[string]holder) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	for _, field := range fields {
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", field.name, field.help, field.name)
		for _, r := range readings {
			c := r.card
			labels := fmt.Sprintf("gpu=\"%d\",UUID=%q,pci_bus_id=%q,device=\"nvidia%s\",modelName=%q,Hostname=%q", c.number, c.uuid, c.bus, c.minor, c.name, host)
			held := devicesOf(c, holders)
			if len(held) == 0 {
				fmt.Fprintf(out, "%s{%s} %d\n", field.name, labels, field.card(r))
			}
			for _, id := range held {
				h, value, replica := holders[id], field.card(r), ""
				if _, number, shared := strings.Cut(id, "::"); shared {
					replica = fmt.Sprintf(",vgpu=%q", number)
					if shares.ofPod {
						value = field.pod(r, r.pods[shares.uids[h.namespace+"/"+h.pod]])
					}
				}
				fmt.Fprintf(out, "%s{%s,container=%q,namespace=%q,pod=%q%s} %d\n", field.name, labels, h.container, h.namespace, h.pod, replica, value)
			}
		}
	}
}

// devicesOf: the devices of this card that are held, in order.
func devicesOf(c *card, holders map[string]holder) []string {
	var ids []string
	for id := range holders {
		if uuid, _, _ := strings.Cut(id, "::"); uuid == c.uuid {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
