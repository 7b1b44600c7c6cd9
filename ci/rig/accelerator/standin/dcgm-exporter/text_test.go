package main

import (
	"strings"
	"testing"
)

func TestOnlyADeviceInUseHasPodLabels(t *testing.T) {
	readings := []reading{
		{id: "GPU-a", utilization: 97, usedMemory: 64, allMemory: 1024},
		{id: "GPU-b", allMemory: 1024},
	}
	holders := map[string]holder{"GPU-a": {namespace: "llm", pod: "ollama-1", container: "ollama"}}
	var out strings.Builder
	writeText(&out, "rig-node", readings, holders)

	card := func(number, id, bus string) string {
		return `{gpu="` + number + `",UUID="` + id + `",pci_bus_id="` + bus + `",device="nvidia` + number +
			`",modelName="Stand-in for an NVIDIA GPU",Hostname="rig-node"`
	}
	held := card("0", "GPU-a", "00000000:01:00.0") + `,container="ollama",namespace="llm",pod="ollama-1"} `
	idle := card("1", "GPU-b", "00000000:02:00.0") + `} `
	want := "# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).\n# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n" +
		"DCGM_FI_DEV_GPU_UTIL" + held + "97\nDCGM_FI_DEV_GPU_UTIL" + idle + "0\n" +
		"# HELP DCGM_FI_DEV_FB_FREE Framebuffer memory free (in MiB).\n# TYPE DCGM_FI_DEV_FB_FREE gauge\n" +
		"DCGM_FI_DEV_FB_FREE" + held + "960\nDCGM_FI_DEV_FB_FREE" + idle + "1024\n" +
		"# HELP DCGM_FI_DEV_FB_USED Framebuffer memory used (in MiB).\n# TYPE DCGM_FI_DEV_FB_USED gauge\n" +
		"DCGM_FI_DEV_FB_USED" + held + "64\nDCGM_FI_DEV_FB_USED" + idle + "0\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
}
