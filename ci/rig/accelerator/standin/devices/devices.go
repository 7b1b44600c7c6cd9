// Package devices says which devices the stand-in has, in each way that it is allocated. There is no card behind them.
package devices

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"gpuhpa.example/rig/shared/exporter"
)

const (
	// Instances of this profile are those into which a card is divided in MIG mode, at most seven.
	profile          = "1g.10gb"
	instancesPerCard = 7
	// The number of the first instance of this profile on a card.
	firstInstance = 7
	model         = "Stand-in for an NVIDIA GPU"
)

// Offered is what the device plugin offers: an extended resource, and its devices. NVIDIA's plugin offers the instances of cards in
// MIG mode as nvidia.com/gpu with the strategy `single`, and as nvidia.com/mig-PROFILE with `mixed`. A time-sliced card is offered
// as several devices, UUID::n. Each node has devices of its own.
func Offered(allocation, node string, count int) (resource string, ids []string, err error) {
	resource = "nvidia.com/gpu"
	id := func(n int) string { return cardID(group(node), n) }
	instances := func(n int) string { return instanceID(group(node), n) }
	switch allocation {
	case "plugin":
	case "mig":
		id = instances
	case "mig-mixed":
		id, resource = instances, "nvidia.com/mig-"+profile
	case "time-sliced":
		id = func(n int) string { return fmt.Sprintf("%s::%d", cardID(group(node), 0), n) }
	default:
		return "", nil, fmt.Errorf("%s: it takes plugin, mig, mig-mixed or time-sliced", allocation)
	}
	for n := range count {
		ids = append(ids, id(n))
	}
	return resource, ids, nil
}

// group is the part of an id that is the node's, within the bits that a UUID leaves free there (RFC 9562, variant).
func group(node string) string {
	hash := fnv.New32a()
	hash.Write([]byte(node))
	return fmt.Sprintf("%04x", hash.Sum32()&0x3fff|0x8000)
}

// The ids are the same for the same number on every run, so that evidence from two runs can be compared, and sort by that number.
func cardID(group string, number int) string {
	return fmt.Sprintf("GPU-6f1d2c3a-%04x-4a5b-%s-%012x", number, group, number)
}

func instanceID(group string, number int) string {
	card, instance := number/instancesPerCard, firstInstance+number%instancesPerCard
	return fmt.Sprintf("MIG-6f1d2c3a-%04x-5a5b-%s-%012x", card, group, instance)
}

// Of lists the devices of these ids, each once: the replicas of a card are one device.
func Of(ids []string) ([]exporter.Device, error) {
	var all []exporter.Device
	for _, id := range ids {
		id, _, _ := strings.Cut(id, "::")
		if len(all) > 0 && all[len(all)-1].ID == id {
			continue
		}
		device, err := parse(id)
		if err != nil {
			return nil, err
		}
		all = append(all, device)
	}
	return all, nil
}

func parse(id string) (exporter.Device, error) {
	parts := strings.Split(id, "-")
	if len(parts) != 6 {
		return exporter.Device{}, fmt.Errorf("%s is no id of the stand-in", id)
	}
	number, err := strconv.ParseInt(parts[2], 16, 32)
	if err != nil {
		return exporter.Device{}, fmt.Errorf("%s: %w", id, err)
	}
	device := exporter.Device{
		ID: id, Number: int(number), UUID: cardID(parts[4], int(number)), Bus: fmt.Sprintf("00000000:%02X:00.0", number+1),
		Minor: fmt.Sprint(number), Model: model,
	}
	if parts[0] == "MIG" {
		instance, err := strconv.ParseInt(parts[5], 16, 32)
		if err != nil {
			return exporter.Device{}, fmt.Errorf("%s: %w", id, err)
		}
		device.Profile, device.Instance = profile, fmt.Sprint(instance)
	}
	return device, nil
}
