// Package exporter writes what dcgm-exporter 4 writes, for devices that others measure.
package exporter

// Device is a card, or a MIG instance of one.
type Device struct {
	// ID is that of the device plugin: the card's UUID, or MIG-UUID of the instance. A replica of a time-sliced device has the
	// id ID::n.
	ID string
	// The card of the device.
	Number                  int
	UUID, Bus, Minor, Model string
	// Of a MIG instance: its profile, for example 1g.10gb, and its number on the card; empty for a card.
	Profile, Instance string
}

// Values of a device, or of a pod on it.
type Values struct {
	Utilization int64 // 0 to 100
	Used, Free  int64 // MiB
}

// Reading is one sample of a device.
type Reading struct {
	Device Device
	Values Values
	// Pods is the use of the device by each pod, by namespace/pod, where it is known.
	Pods map[string]Values
}

// Attribution is what the pods that share a device show.
type Attribution string

const (
	// OwnShare: each pod its own share, beside the device's value without a pod, as dcgm-exporter does with
	// --kubernetes-virtual-gpus for what it reads of the processes.
	OwnShare Attribution = "pod"
	// CardValue: each pod the device's value, as dcgm-exporter does with --kubernetes-virtual-gpus for all other fields.
	CardValue Attribution = "card"
	// Rotating: one of the pods the device's value, another one at another scrape, as dcgm-exporter does without that flag.
	Rotating Attribution = "rotating"
	// Unattributed: no pod.
	Unattributed Attribution = "none"
)
