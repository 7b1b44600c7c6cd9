// Command device-plugin offers the kubelet N devices of nvidia.com/gpu, with
// ids in NVIDIA's form. There is no card behind them: a container that gets
// one receives its id in NVIDIA_VISIBLE_DEVICES, as from NVIDIA's plugin, and
// no device file.
package main

import (
	"context"
	"flag"
	"fmt"
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

const resource = "nvidia.com/gpu"

func main() {
	count := flag.Int("gpus", 4, "how many devices to offer")
	dir := flag.String("dir", "/var/lib/kubelet/device-plugins", "the kubelet's folder for plugins")
	flag.Parse()

	own := filepath.Join(*dir, "nvidia-gpu.sock")
	kubelet := filepath.Join(*dir, "kubelet.sock")
	for {
		server, err := serve(own, *count)
		if err != nil {
			log.Fatal(err)
		}
		registered := register(kubelet, own)
		log.Printf("registered %d devices of %s", *count, resource)
		awaitRestart(kubelet, own, registered)
		log.Print("the kubelet restarted: registering again")
		server.Stop()
	}
}

func serve(own string, count int) (*grpc.Server, error) {
	if err := os.Remove(own); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	listener, err := net.Listen("unix", own)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, &plugin{count: count})
	go server.Serve(listener)
	return server, nil
}

// register tries until the kubelet accepts, and returns the socket it used.
func register(kubelet, own string) os.FileInfo {
	for {
		info, err := os.Stat(kubelet)
		if err == nil {
			err = registerOnce(kubelet, own)
		}
		if err == nil {
			return info
		}
		log.Print(err)
		time.Sleep(200 * time.Millisecond)
	}
}

func registerOnce(kubelet, own string) error {
	conn, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(conn).Register(ctx, &api.RegisterRequest{
		Version:      api.Version,
		Endpoint:     filepath.Base(own),
		ResourceName: resource,
	})
	return err
}

// awaitRestart returns when the kubelet made a new socket or removed ours,
// which is all that a plugin gets to see of its restart.
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

type plugin struct {
	api.UnimplementedDevicePluginServer
	count int
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	devices := make([]*api.Device, p.count)
	for i := range devices {
		devices[i] = &api.Device{ID: id(i), Health: api.Healthy}
	}
	if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")},
		})
	}
	return response, nil
}

// id is the same for the same number on every run, so that evidence from two
// runs can be compared, and sorts by that number.
func id(number int) string {
	return fmt.Sprintf("GPU-6f1d2c3a-%04x-4a5b-8c9d-%012x", number, number)
}
