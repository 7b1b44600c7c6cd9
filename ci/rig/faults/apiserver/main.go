// A bad day of the API server: a proxy before the real one, that a client reaches by a kubeconfig of its own.
//
// Of the requests that it lets through unharmed none is changed. Of the others, in turn by a counter and so the same
// each time: 429 with Retry-After, 500, 503, 410 Gone to a watch, and answers that come seconds late. Watches end after
// a few seconds. Each fault is a line on standard output.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:6444", "address to serve on")
	server := flag.String("server", "https://198.18.0.2:6443", "the real API server")
	ca := flag.String("ca", "", "its CA")
	cert := flag.String("cert", "", "certificate of this proxy")
	key := flag.String("key", "", "its key")
	// A prime, so that it does not fall into step with what is asked each second.
	every := flag.Int64("every", 17, "one request of so many fails")
	watches := flag.Duration("watches", 9*time.Second, "how long a watch lives")
	flag.Parse()

	target, err := url.Parse(*server)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(*ca)
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("%s: no CA: %v", *ca, err)
	}
	behind := httputil.NewSingleHostReverseProxy(target)
	behind.FlushInterval = -1
	// The client's certificate ends here, so the proxy has the same one.
	own, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	behind.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}}

	var asked atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isWatch := r.URL.Query().Get("watch") != ""
		// helm gives up at its first error; what it meets is not what is tried here.
		if strings.HasPrefix(r.UserAgent(), "Helm") {
			behind.ServeHTTP(w, r)
			return
		}
		n := asked.Add(1)
		if n%*every == 0 && harm(w, r, n / *every, isWatch) {
			return
		}
		if isWatch {
			ctx, stop := context.WithTimeout(r.Context(), *watches)
			defer stop()
			r = r.WithContext(ctx)
		}
		behind.ServeHTTP(w, r)
	})
	fmt.Println("listening on", *listen)
	log.Fatal((&http.Server{Addr: *listen, Handler: handler, ErrorLog: log.New(os.Stderr, "", 0)}).ListenAndServe())
}

// harm answers with the n-th fault, or delays and says false.
func harm(w http.ResponseWriter, r *http.Request, n int64, isWatch bool) bool {
	answer := func(code int, reason, message string) bool {
		fmt.Println("fault", code, r.Method, r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
		return true
	}
	switch {
	case isWatch && n%2 == 0:
		return answer(http.StatusGone, "Expired", "too old resource version: 1 (2)")
	case n%4 == 0:
		w.Header().Set("Retry-After", "1")
		return answer(http.StatusTooManyRequests, "TooManyRequests", "the server has received too many requests and has asked us to try again later")
	case n%4 == 1:
		return answer(http.StatusInternalServerError, "InternalError", "etcdserver: leader changed")
	case n%4 == 2:
		return answer(http.StatusServiceUnavailable, "ServiceUnavailable", "apiserver is shutting down")
	}
	fmt.Println("slow", r.Method, r.URL.Path)
	time.Sleep(4 * time.Second)
	return false
}
