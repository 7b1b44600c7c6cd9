// Package podresources reads the kubelet's pod-resources socket: which devices there are and which container holds which.
package podresources

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// Client is a connection to the socket.
type Client struct {
	lister api.PodResourcesListerClient
}

// Holder is the container that has a device.
type Holder struct {
	Namespace, Pod, Container string
}

// PodName is namespace/pod.
func (h Holder) PodName() string { return h.Namespace + "/" + h.Pod }

// Dial connects to the socket at this path when the first answer is asked for.
func Dial(socket string) (*Client, error) {
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &Client{api.NewPodResourcesListerClient(conn)}, nil
}

// Devices lists the ids of every device that the kubelet can allocate, in their order.
func (c *Client) Devices(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	answer, err := c.lister.GetAllocatableResources(ctx, &api.AllocatableResourcesRequest{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, devices := range answer.Devices {
		if isGPU(devices.ResourceName) {
			ids = append(ids, devices.DeviceIds...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Holders maps the id of each device in use to the container that has it.
func (c *Client) Holders(ctx context.Context) (map[string]Holder, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	answer, err := c.lister.List(ctx, &api.ListPodResourcesRequest{})
	if err != nil {
		return nil, err
	}
	holders := map[string]Holder{}
	for _, pod := range answer.PodResources {
		for _, container := range pod.Containers {
			for _, devices := range container.Devices {
				if !isGPU(devices.ResourceName) {
					continue
				}
				for _, id := range devices.DeviceIds {
					holders[id] = Holder{pod.Namespace, pod.Name, container.Name}
				}
			}
		}
	}
	return holders, nil
}

// isGPU: the resources in which dcgm-exporter looks for devices.
func isGPU(resource string) bool {
	return resource == "nvidia.com/gpu" || strings.HasPrefix(resource, "nvidia.com/mig-")
}
