// Ollama with faults: the real server behind a proxy that answers some of the chats itself.
//
// FAULT chooses how (500, 503, error-line, cut, html); the first FAULT_AFTER chats (2) pass unharmed, so that the
// model's first chat is good. Everything else that Ollama serves passes always. Each fault is a line on standard output,
// by which it can be counted.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
)

const line = `{"model":"tiny","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"x"},"done":false}` + "\n"

// Each writes what a client of a broken server sees.
var faults = map[string]func(http.ResponseWriter){
	"500": func(w http.ResponseWriter) {
		http.Error(w, `{"error":"llama runner process has terminated: signal: killed"}`, http.StatusInternalServerError)
	},
	"503": func(w http.ResponseWriter) {
		http.Error(w, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, http.StatusServiceUnavailable)
	},
	"error-line": func(w http.ResponseWriter) {
		fmt.Fprint(w, line, `{"error":"an error was encountered while running the model: CUDA error: out of memory"}`, "\n")
	},
	"cut": func(w http.ResponseWriter) {
		fmt.Fprint(w, line)
		w.(http.Flusher).Flush()
		// The server closes the connection in the middle of the body.
		panic(http.ErrAbortHandler)
	},
	"html": func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body><h1>Sign in to continue</h1></body></html>\n")
	},
}

func main() {
	fault, known := faults[os.Getenv("FAULT")]
	if !known {
		log.Fatalf("FAULT=%s: it takes one of 500, 503, error-line, cut, html", os.Getenv("FAULT"))
	}
	after := int64(2)
	if text := os.Getenv("FAULT_AFTER"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			log.Fatalf("FAULT_AFTER: %v", err)
		}
	}
	server := exec.Command("/bin/ollama", "serve")
	server.Env = append(os.Environ(), "OLLAMA_HOST=127.0.0.1:11435")
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	// The pod ends with its server.
	go func() { log.Fatal(server.Wait()) }()

	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:11435"})
	behind.FlushInterval = -1
	var chats atomic.Int64
	log.Fatal(http.ListenAndServe(":11434", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/chat" && chats.Add(1) > after {
			fmt.Println("fault", os.Getenv("FAULT"))
			fault(w)
			return
		}
		behind.ServeHTTP(w, r)
	})))
}
