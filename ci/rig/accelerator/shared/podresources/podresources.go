// Package podresources reads the kubelet's pod-resources socket: which devices there are and which container holds which.
package podresources

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/podresources/v1"

	"gpuhpa.example/rig/shared/resourceslices"
)

// answerLimit is how long the kubelet may take, on a machine that is busy too.
const answerLimit = 15 * time.Second

// Client is a connection to the socket.
type Client struct {
	lister api.PodResourcesListerClient
}

// Holder is the container that has a device.
type Holder struct {
	Namespace, Pod, Container string
	// Claim by which it has the device; nil where the device plugin gave it.
	Claim *Claim
}

// Claim is a resource claim (DRA), and the device of it.
type Claim struct {
	Namespace, Name string
	Device          resourceslices.Device
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
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
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
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
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
					holders[id] = Holder{Namespace: pod.Namespace, Pod: pod.Name, Container: container.Name}
				}
			}
		}
	}
	return holders, nil
}

// ClaimHolders maps the devices of claims (DRA) to the containers that have them. uuids says which card a device is; a device
// without one is no card. The id is the card's UUID where the device is the whole card and one container has it, and UUID::n for
// each container where several share the card: by one claim, or because several devices are offered of it.
func (c *Client) ClaimHolders(ctx context.Context, uuids map[resourceslices.Device]string) (map[string]Holder, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	answer, err := c.lister.List(ctx, &api.ListPodResourcesRequest{})
	if err != nil {
		return nil, err
	}
	shares := map[string]int{}
	for _, uuid := range uuids {
		shares[uuid]++
	}
	ofCard := map[string][]Holder{}
	for _, pod := range answer.PodResources {
		for _, container := range pod.Containers {
			for _, claim := range claimsOf(container) {
				if uuid := uuids[claim.Device]; uuid != "" {
					ofCard[uuid] = append(ofCard[uuid], Holder{pod.Namespace, pod.Name, container.Name, &claim})
				}
			}
		}
	}
	holders := map[string]Holder{}
	for uuid, all := range ofCard {
		if len(all) == 1 && shares[uuid] == 1 {
			holders[uuid] = all[0]
			continue
		}
		// The kubelet's order is random.
		slices.SortFunc(all, func(a, b Holder) int {
			return strings.Compare(a.PodName()+"/"+a.Container, b.PodName()+"/"+b.Container)
		})
		for n, holder := range all {
			holders[fmt.Sprintf("%s::%d", uuid, n)] = holder
		}
	}
	return holders, nil
}

func claimsOf(container *api.ContainerResources) []Claim {
	var claims []Claim
	for _, claim := range container.DynamicResources {
		for _, one := range claim.ClaimResources {
			device := resourceslices.Device{Driver: one.DriverName, Pool: one.PoolName, Name: one.DeviceName}
			claims = append(claims, Claim{claim.ClaimNamespace, claim.ClaimName, device})
		}
	}
	return claims
}

// isGPU: the resources in which dcgm-exporter looks for devices.
func isGPU(resource string) bool {
	return resource == "nvidia.com/gpu" || strings.HasPrefix(resource, "nvidia.com/mig-")
}
