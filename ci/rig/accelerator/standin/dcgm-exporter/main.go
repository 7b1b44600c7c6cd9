// Command dcgm-exporter serves what NVIDIA's dcgm-exporter serves, for the
// stand-in devices. The text, the labels and the way a device finds its pod
// are NVIDIA's; the readings are those of the pod that holds the device, from
// its cgroup. A pod that does inference on the CPU is as busy as that, and
// nothing here can be told what to say.
package main

import (
	"flag"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", ":9400", "address to serve on")
	socket := flag.String("pod-resources", "/var/lib/kubelet/pod-resources/kubelet.sock", "the kubelet's pod-resources socket")
	cgroups := flag.String("cgroups", "/sys/fs/cgroup", "where the node's cgroups are mounted")
	podLogs := flag.String("pod-logs", "/var/log/pods", "the kubelet's folder of pod logs, whose names hold the pods' UIDs")
	memory := flag.Int64("memory", 1024, "MiB that each device is said to have")
	interval := flag.Duration("collect-interval", 30*time.Second, "time between samples")
	flag.Parse()

	kubelet, err := dialKubelet(*socket)
	if err != nil {
		log.Fatal(err)
	}
	sampler := &sampler{
		kubelet: kubelet,
		node:    node{cgroups: *cgroups, podLogs: *podLogs},
		memory:  *memory,
	}
	go sampler.run(*interval)

	host := os.Getenv("NODE_NAME")
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		// NVIDIA's reads the owners on every scrape, and still answers,
		// without pod labels, when that fails.
		holders, err := kubelet.holders(r.Context())
		if err != nil {
			log.Printf("warning: no pod labels: %v", err)
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		writeText(w, host, sampler.latest(), holders)
	})
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if sampler.latest() == nil {
			http.Error(w, "KO", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("OK"))
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
