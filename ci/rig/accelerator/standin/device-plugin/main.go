// Command device-plugin offers the kubelet N devices with ids in NVIDIA's form: cards, MIG instances, or the replicas of one
// time-sliced card. There is no card behind them: a container that gets one receives its id in NVIDIA_VISIBLE_DEVICES, as from
// NVIDIA's plugin, and no device file.
package main

import (
	"flag"
	"log"
	"os"
	"strings"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"gpuhpa.example/rig/shared/deviceplugin"
	"gpuhpa.example/rig/standin/devices"
)

func main() {
	count := flag.Int("gpus", 4, "how many devices to offer")
	allocation := flag.String("allocation", "plugin", "plugin, mig, mig-mixed or time-sliced: which devices")
	dir := flag.String("dir", "/var/lib/kubelet/device-plugins", "the kubelet's folder for plugins")
	flag.Parse()

	resource, ids, err := devices.Offered(*allocation, os.Getenv("NODE_NAME"), *count)
	if err != nil {
		log.Fatalf("-allocation=%v", err)
	}
	plugin := &deviceplugin.Plugin{Resource: resource, IDs: ids, Container: visible}
	log.Fatal(plugin.Run(*dir))
}

func visible(ids []string) (*api.ContainerAllocateResponse, error) {
	// A replica is named by its card.
	var names []string
	for _, id := range ids {
		name, _, _ := strings.Cut(id, "::")
		names = append(names, name)
	}
	return &api.ContainerAllocateResponse{Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(names, ",")}}, nil
}
