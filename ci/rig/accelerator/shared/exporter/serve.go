package exporter

import (
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"gpuhpa.example/rig/shared/podresources"
	"gpuhpa.example/rig/shared/resourceslices"
)

// Exporter serves the latest sample. The flags of the command line are its fields.
type Exporter struct {
	// Sample measures all devices, the use of the pods over this time.
	Sample  func(window time.Duration) ([]Reading, error)
	Kubelet *podresources.Client
	// Slices says which cards the devices of claims are; nil where the exporter is not to read them.
	Slices *resourceslices.Client

	PodLogs             string
	readSlices          bool
	enableDRA           bool
	listen, attribution string
	socket              string
	interval            time.Duration
	current             atomic.Pointer[[]Reading]
}

// Flags defines the flags that every exporter has. The caller defines its own and calls flag.Parse.
func Flags() *Exporter {
	e := &Exporter{}
	flag.StringVar(&e.listen, "listen", ":9400", "address to serve on")
	flag.StringVar(&e.socket, "pod-resources", "/var/lib/kubelet/pod-resources/kubelet.sock", "the kubelet's pod-resources socket")
	flag.StringVar(&e.PodLogs, "pod-logs", "/var/log/pods", "the kubelet's folder of pod logs, whose names hold the pods' UIDs")
	flag.StringVar(&e.attribution, "attribution", string(OwnShare), "pod, card, rotating or none: what the pods that share a card show")
	flag.BoolVar(&e.readSlices, "resource-slices", false, "read ResourceSlices: the devices may be those of DRA drivers")
	flag.BoolVar(&e.enableDRA, "kubernetes-enable-dra", os.Getenv("KUBERNETES_ENABLE_DRA") == "true",
		"name the pods that hold devices by resource claims")
	flag.DurationVar(&e.interval, "collect-interval", 30*time.Second, "time between samples")
	return e
}

// Dial connects to the kubelet, after flag.Parse.
func (e *Exporter) Dial() error {
	switch Attribution(e.attribution) {
	case OwnShare, CardValue, Rotating, Unattributed:
	default:
		return fmt.Errorf("-attribution=%s: it takes pod, card, rotating or none", e.attribution)
	}
	var err error
	if e.readSlices {
		if e.Slices, err = resourceslices.InCluster(); err != nil {
			return err
		}
	}
	e.Kubelet, err = podresources.Dial(e.socket)
	return err
}

// Holders of the devices by the device plugin, and with claims those by resource claims too.
func (e *Exporter) Holders(ctx context.Context, claims bool) (map[string]podresources.Holder, error) {
	holders, err := e.Kubelet.Holders(ctx)
	if err != nil || !claims || e.Slices == nil {
		return holders, err
	}
	uuids, err := e.Slices.UUIDs(ctx)
	if err != nil {
		return holders, err
	}
	byClaim, err := e.Kubelet.ClaimHolders(ctx, uuids)
	maps.Copy(holders, byClaim)
	return holders, err
}

// Devices lists the ids of the devices that the device plugin offers, and of those that drivers (DRA) publish, in their order.
func (e *Exporter) Devices(ctx context.Context) ([]string, error) {
	ids, err := e.Kubelet.Devices(ctx)
	if err != nil || e.Slices == nil {
		return ids, err
	}
	uuids, err := e.Slices.UUIDs(ctx)
	if err != nil {
		return nil, err
	}
	ids = slices.AppendSeq(ids, maps.Values(uuids))
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Run samples and serves for ever. It returns only with an error.
func (e *Exporter) Run() error {
	go e.sampleForEver()
	host := os.Getenv("NODE_NAME")
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		// NVIDIA's reads the owners on every scrape, and still answers, without pod labels, when that fails.
		holders, err := e.Holders(r.Context(), e.enableDRA)
		if err != nil {
			log.Printf("warning: no pod labels: %v", err)
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		// NVIDIA's takes the last of the pods in the kubelet's list, whose order is random.
		WriteText(w, host, e.latest(), holders, Attribution(e.attribution), rand.IntN(1<<16))
	})
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if e.latest() == nil {
			http.Error(w, "KO", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("OK"))
	})
	return http.ListenAndServe(e.listen, nil)
}

// latest is nil until the first sample is there.
func (e *Exporter) latest() []Reading {
	if current := e.current.Load(); current != nil {
		return *current
	}
	return nil
}

// sampleForEver: the use over time is that of the last second, however long the interval is, because DCGM's value is that of the
// moment and not an average over the interval.
func (e *Exporter) sampleForEver() {
	window := min(e.interval, time.Second)
	for next := time.Now(); ; next = next.Add(e.interval) {
		time.Sleep(time.Until(next))
		readings, err := e.Sample(window)
		if err != nil {
			log.Printf("warning: no new sample: %v", err)
		} else {
			e.current.Store(&readings)
		}
		if time.Since(next) > e.interval { // we fell behind: do not catch up in a rush
			next = time.Now().Add(-e.interval)
		}
	}
}
