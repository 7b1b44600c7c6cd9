// Ollama with faults: the real server behind a proxy that answers some of the chats itself.
//
// FAULT chooses how: 500, 503, error-line, cut or html, or several of them with commas between, which are then given in
// turn. The first FAULT_AFTER chats (2) pass unharmed, so that the model's first chat is good, and of those after them
// each FAULT_EVERY-th (1) fails. Everything else that Ollama serves passes always. Each fault is a line on standard
// output with its kind and how often that kind was given, so that what a client has counted can be compared.
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
	"strings"
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
	kinds := strings.Split(os.Getenv("FAULT"), ",")
	for _, kind := range kinds {
		if faults[kind] == nil {
			log.Fatalf("FAULT=%s: %q is none of 500, 503, error-line, cut, html", os.Getenv("FAULT"), kind)
		}
	}
	after, every := number("FAULT_AFTER", 2), number("FAULT_EVERY", 1)
	server := exec.Command("/bin/ollama", "serve")
	server.Env = append(os.Environ(), "OLLAMA_HOST=127.0.0.1:11435")
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	// The pod ends with its server.
	go func() { log.Fatal(server.Wait()) }()

	// With the host's name of the request Ollama, which listens on loopback, would answer 403.
	real := &url.URL{Scheme: "http", Host: "127.0.0.1:11435"}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(real) }, FlushInterval: -1}
	var chats atomic.Int64
	log.Fatal(http.ListenAndServe(":11434", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		late := int64(0)
		if r.URL.Path == "/api/chat" {
			late = chats.Add(1) - after
		}
		if late <= 0 || late%every != 0 {
			behind.ServeHTTP(w, r)
			return
		}
		turn := late/every - 1
		kind, given := kinds[turn%int64(len(kinds))], turn/int64(len(kinds))+1
		fmt.Println("fault", kind, given)
		faults[kind](w)
	})))
}

// number reads a positive number from the environment.
func number(name string, otherwise int64) int64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 1 {
		log.Fatalf("%s=%s: it takes a number from 1 on", name, text)
	}
	return value
}
