// Command device-plugin offers the kubelet the machine's NVIDIA cards as devices of nvidia.com/gpu, with the ids of NVIDIA's
// device plugin: the card's UUID, or UUID::n for each of several replicas of a card (time-slicing). There is no NVIDIA container
// runtime here, so a container that gets a device receives the card's files and the driver's libraries from this plugin.
package main

import (
	"flag"
	"log"
	"os"
	"strings"

	"gpuhpa.example/rig/shared/deviceplugin"
)

func main() {
	named := flag.String("cards", "", "the cards, as UUID=/dev/nvidiaN, separated by commas")
	replicas := flag.Int("replicas", 1, "devices for each card; 1 offers each card by its UUID alone")
	control := flag.String("control", "", "device files that each container with a card needs, separated by commas")
	libraries := flag.String("libraries", "", "the driver's libraries, as NAME=/path/on/the/node, separated by commas")
	dir := flag.String("dir", "/var/lib/kubelet/device-plugins", "the kubelet's folder for plugins")
	flag.Parse()

	all := newCards(pairs(*named), *replicas, list(*control), pairs(*libraries))
	if len(all.ids) == 0 {
		log.Fatal("no card is named")
	}
	plugin := &deviceplugin.Plugin{Resource: "nvidia.com/gpu", IDs: all.ids, Container: all.allocate}
	log.Fatal(plugin.Run(*dir))
}

// pair is NAME=VALUE of a flag.
type pair struct{ name, value string }

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func pairs(text string) []pair {
	var all []pair
	for _, entry := range list(text) {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" || value == "" {
			log.Printf("%q is not NAME=VALUE", entry)
			os.Exit(2)
		}
		all = append(all, pair{name, value})
	}
	return all
}
