// Package resourceslices reads the ResourceSlices of the cluster, for exporters: the kubelet names a device of a claim by driver,
// pool and name, and the slices say which card that is. An exporter needs a token and the right to list resourceslices for it.
package resourceslices

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Where a pod finds its token and the certificate of the API server.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// Device names a device of a driver in the whole cluster.
type Device struct{ Driver, Pool, Name string }

// Client reads ResourceSlices with the pod's token.
type Client struct {
	server, token string
	http          *http.Client
	known         atomic.Pointer[map[Device]string]
}

// InCluster is the client of the pod in which it is called.
func InCluster() (*Client, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("this is no pod: KUBERNETES_SERVICE_HOST is not set")
	}
	authority, err := os.ReadFile(filepath.Join(serviceAccount, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New("ca.crt has no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return New("https://"+net.JoinHostPort(host, port), filepath.Join(serviceAccount, "token"), transport), nil
}

// New reads from this server with the token in this file.
func New(server, token string, transport http.RoundTripper) *Client {
	return &Client{server: server, token: token, http: &http.Client{Transport: transport, Timeout: 15 * time.Second}}
}

// UUIDs of all devices that have one. While the API server is away, those of the last answer: NVIDIA's exporter keeps them too.
func (c *Client) UUIDs(ctx context.Context) (map[Device]string, error) {
	uuids, err := c.read(ctx)
	if err == nil {
		c.known.Store(&uuids)
		return uuids, nil
	}
	if known := c.known.Load(); known != nil {
		log.Printf("warning: the ResourceSlices of an earlier answer are used: %v", err)
		return *known, nil
	}
	return nil, err
}

func (c *Client) read(ctx context.Context) (map[Device]string, error) {
	token, err := os.ReadFile(c.token) // the kubelet renews it
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+"/apis/resource.k8s.io/v1/resourceslices", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("resourceslices: %s", answer.Status)
	}
	var list sliceList
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		return nil, err
	}
	return list.uuids(), nil
}

// sliceList is what an exporter needs of a ResourceSliceList.
type sliceList struct {
	Items []struct {
		Spec struct {
			Driver string
			Pool   struct{ Name string }
			// More than one generation of a pool exists while a driver replaces its slices.
			Devices []struct {
				Name       string
				Attributes map[string]struct{ String string }
			}
		}
	}
}

func (l sliceList) uuids() map[Device]string {
	uuids := map[Device]string{}
	for _, item := range l.Items {
		for _, device := range item.Spec.Devices {
			if uuid := device.Attributes["uuid"].String; uuid != "" {
				uuids[Device{item.Spec.Driver, item.Spec.Pool.Name, device.Name}] = uuid
			}
		}
	}
	return uuids
}
