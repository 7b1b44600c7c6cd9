package exporter

import (
	"strings"
	"testing"

	"gpuhpa.example/rig/shared/podresources"
	"gpuhpa.example/rig/shared/resourceslices"
)

func text(readings []Reading, holders map[string]podresources.Holder, attribution Attribution, turn int) string {
	var out strings.Builder
	WriteText(&out, "rig-node", readings, holders, attribution, turn)
	return out.String()
}

// lines of one metric, each as its pod (or nothing) and its value.
func lines(metric, text string) string {
	var all []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, metric+"{") {
			continue
		}
		labels, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		_, pod, _ := strings.Cut(labels, `pod="`)
		all = append(all, strings.TrimSpace(pod+" "+value))
	}
	return strings.Join(all, "; ")
}

func card(id string, number int, minor string) Device {
	return Device{ID: id, Number: number, UUID: id, Bus: "00000000:0" + minor + ":00.0", Minor: minor, Model: "H"}
}

func TestOnlyADeviceInUseHasPodLabels(t *testing.T) {
	readings := []Reading{
		{Device: card("GPU-a", 0, "0"), Values: Values{97, 64, 960}},
		{Device: card("GPU-b", 1, "1"), Values: Values{0, 0, 1024}},
	}
	holders := map[string]podresources.Holder{"GPU-a": {Namespace: "llm", Pod: "ollama-1", Container: "ollama"}}
	held := `{gpu="0",UUID="GPU-a",pci_bus_id="00000000:00:00.0",device="nvidia0",modelName="H",Hostname="rig-node",` +
		`container="ollama",namespace="llm",pod="ollama-1"} `
	idle := `{gpu="1",UUID="GPU-b",pci_bus_id="00000000:01:00.0",device="nvidia1",modelName="H",Hostname="rig-node"} `
	want := "# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).\n# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n" +
		"DCGM_FI_DEV_GPU_UTIL" + held + "97\nDCGM_FI_DEV_GPU_UTIL" + idle + "0\n" +
		"# HELP DCGM_FI_DEV_FB_FREE Framebuffer memory free (in MiB).\n# TYPE DCGM_FI_DEV_FB_FREE gauge\n" +
		"DCGM_FI_DEV_FB_FREE" + held + "960\nDCGM_FI_DEV_FB_FREE" + idle + "1024\n" +
		"# HELP DCGM_FI_DEV_FB_USED Framebuffer memory used (in MiB).\n# TYPE DCGM_FI_DEV_FB_USED gauge\n" +
		"DCGM_FI_DEV_FB_USED" + held + "64\nDCGM_FI_DEV_FB_USED" + idle + "0\n"
	if got := text(readings, holders, OwnShare, 0); got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
}

func TestAnInstanceHasTheCardsUUIDARatioAndNoUtilization(t *testing.T) {
	device := card("MIG-x", 0, "0")
	device.UUID, device.Profile, device.Instance = "GPU-a", "1g.10gb", "7"
	holders := map[string]podresources.Holder{"MIG-x": {Namespace: "llm", Pod: "one", Container: "o"}}
	got := text([]Reading{{Device: device, Values: Values{97, 64, 960}}}, holders, CardValue, 0)
	want := `DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",UUID="GPU-a",pci_bus_id="00000000:00:00.0",device="nvidia0",modelName="H",` +
		`GPU_I_PROFILE="1g.10gb",GPU_I_ID="7",Hostname="rig-node",container="o",namespace="llm",pod="one"} 0.970000` + "\n"
	if !strings.HasSuffix(got, want) || strings.Contains(got, "GPU_UTIL") {
		t.Fatal(got)
	}
}

func TestPodsThatShareACardShowWhatTheAttributionSays(t *testing.T) {
	shared := Reading{Device: card("GPU-a", 0, "0"), Values: Values{90, 3000, 1000},
		Pods: map[string]Values{"llm/one": {60, 2000, 1000}, "llm/two": {30, 1000, 1000}}}
	both := []Reading{shared, {Device: card("GPU-b", 1, "1"), Values: Values{0, 0, 4000}}}
	holders := map[string]podresources.Holder{"GPU-a::0": {Namespace: "llm", Pod: "one", Container: "o"}, "GPU-a::1": {Namespace: "llm", Pod: "two", Container: "o"}}
	for _, c := range []struct {
		metric      string
		attribution Attribution
		want        string
	}{
		{"DCGM_FI_DEV_GPU_UTIL", OwnShare, `90; one",vgpu="0" 60; two",vgpu="1" 30; 0`},
		{"DCGM_FI_DEV_FB_USED", OwnShare, `3000; one",vgpu="0" 2000; two",vgpu="1" 1000; 0`},
		{"DCGM_FI_DEV_FB_FREE", OwnShare, `one",vgpu="0" 1000; two",vgpu="1" 1000; 4000`},
		{"DCGM_FI_DEV_GPU_UTIL", CardValue, `one",vgpu="0" 90; two",vgpu="1" 90; 0`},
		{"DCGM_FI_DEV_GPU_UTIL", Rotating, `two" 90; 0`},
		{"DCGM_FI_DEV_GPU_UTIL", Unattributed, `90; 0`},
	} {
		if got := lines(c.metric, text(both, holders, c.attribution, 3)); got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.metric, c.attribution, got, c.want)
		}
	}
	// A pod with a card of its own shows what the card shows, whatever the attribution is.
	alone := map[string]podresources.Holder{"GPU-a": {Namespace: "llm", Pod: "one", Container: "o"}}
	if got := lines("DCGM_FI_DEV_GPU_UTIL", text(both, alone, Unattributed, 0)); got != `one" 90; 0` {
		t.Error(got)
	}
}

func TestAPodWithAClaimIsNamedWithItsClaim(t *testing.T) {
	claim := &podresources.Claim{Namespace: "llm", Name: "ollama-gpu-x", Device: resourceslices.Device{Driver: "gpu.rig.local", Pool: "n1", Name: "gpu-0"}}
	holder := podresources.Holder{Namespace: "llm", Pod: "one", Container: "o", Claim: claim}
	readings := []Reading{{Device: card("GPU-a", 0, "0"), Values: Values{97, 64, 960}}}
	want := `,Hostname="rig-node",container="o",dra_claim_name="ollama-gpu-x",dra_claim_namespace="llm",dra_device_name="gpu-0",` +
		`dra_driver_name="gpu.rig.local",dra_pool_name="n1",namespace="llm",pod="one"} 97` + "\n"
	for _, id := range []string{"GPU-a", "GPU-a::0"} {
		if got := text(readings, map[string]podresources.Holder{id: holder}, CardValue, 0); !strings.Contains(got, want) {
			t.Fatal(got)
		}
	}
}
