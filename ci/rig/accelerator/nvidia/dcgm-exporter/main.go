// Command dcgm-exporter serves what NVIDIA's dcgm-exporter serves, read with NVML from the machine's cards: NVIDIA's own needs the
// DCGM service, which the rig does not have. A card without a pod has one series without pod labels, a card in use one for each
// pod that holds a device of it. Where a card is time-sliced, -attribution chooses the value of each of its pods:
//
//	card  the card's own value for each pod, as NVIDIA's exporter gives it with --kubernetes-virtual-gpus
//	pod   the pod's own share: the SM utilization and the memory of its processes
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
	podLogs := flag.String("pod-logs", "/var/log/pods", "the kubelet's folder of pod logs, whose names hold the pods' UIDs")
	attribution := flag.String("attribution", "card", "card or pod: the values of the pods that share a card")
	interval := flag.Duration("collect-interval", 30*time.Second, "time between samples")
	flag.Parse()
	if *attribution != "card" && *attribution != "pod" {
		log.Fatalf("-attribution=%s: it takes card or pod", *attribution)
	}

	kubelet, err := dialKubelet(*socket)
	if err != nil {
		log.Fatal(err)
	}
	cards, err := openCards()
	if err != nil {
		log.Fatal(err)
	}
	sampler := &sampler{cards: cards, processes: "/proc"}
	go sampler.run(*interval)

	host := os.Getenv("NODE_NAME")
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		// NVIDIA's reads the owners on every scrape, and still answers, without pod labels, when that fails.
		holders, err := kubelet.holders(r.Context())
		if err != nil {
			log.Printf("warning: no pod labels: %v", err)
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		writeText(w, host, sampler.latest(), shares{*attribution == "pod", uids(*podLogs)}, holders)
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
