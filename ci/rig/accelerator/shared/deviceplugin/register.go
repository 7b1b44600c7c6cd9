package deviceplugin

import (
	"context"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Run offers the plugin's devices to the kubelet whose folder for plugins this is, again after each restart of the kubelet. It
// returns only with an error.
func (p *Plugin) Run(dir string) error {
	own := filepath.Join(dir, socketName(p.Resource))
	kubelet := filepath.Join(dir, "kubelet.sock")
	for {
		server, err := serve(own, p)
		if err != nil {
			return err
		}
		registered := register(kubelet, own, p.Resource)
		log.Printf("registered %d devices of %s", len(p.IDs), p.Resource)
		awaitRestart(kubelet, own, registered)
		log.Print("the kubelet restarted: registering again")
		server.Stop()
	}
}

// socketName is that of NVIDIA's plugin: nvidia-gpu.sock for nvidia.com/gpu.
func socketName(resource string) string {
	_, name, _ := strings.Cut(resource, "/")
	return "nvidia-" + name + ".sock"
}

func serve(own string, plugin *Plugin) (*grpc.Server, error) {
	if err := os.Remove(own); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	listener, err := net.Listen("unix", own)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, plugin)
	go server.Serve(listener)
	return server, nil
}

// register tries until the kubelet accepts, and returns the socket it used.
func register(kubelet, own, resource string) os.FileInfo {
	for {
		info, err := os.Stat(kubelet)
		if err == nil {
			err = registerOnce(kubelet, own, resource)
		}
		if err == nil {
			return info
		}
		log.Print(err)
		time.Sleep(200 * time.Millisecond)
	}
}

func registerOnce(kubelet, own, resource string) error {
	conn, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(conn).Register(ctx, &api.RegisterRequest{
		Version:      api.Version,
		Endpoint:     filepath.Base(own),
		ResourceName: resource,
	})
	return err
}

// awaitRestart returns when the kubelet made a new socket or removed ours, which is all that a plugin gets to see of its restart.
func awaitRestart(kubelet, own string, registered os.FileInfo) {
	for {
		time.Sleep(time.Second)
		now, err := os.Stat(kubelet)
		_, gone := os.Stat(own)
		if err != nil || gone != nil || !os.SameFile(registered, now) {
			return
		}
	}
}
