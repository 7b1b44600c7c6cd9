package main

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/podresources/v1"
)

const resource = "nvidia.com/gpu"

// kubelet is the pod-resources socket: which devices there are and who holds
// them.
type kubelet struct {
	client api.PodResourcesListerClient
}

type holder struct {
	namespace, pod, container string
}

func dialKubelet(socket string) (*kubelet, error) {
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &kubelet{client: api.NewPodResourcesListerClient(conn)}, nil
}

// devices lists every device that the kubelet can hand out, in the order of
// their ids.
func (k *kubelet) devices(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	answer, err := k.client.GetAllocatableResources(ctx, &api.AllocatableResourcesRequest{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, devices := range answer.Devices {
		if devices.ResourceName == resource {
			ids = append(ids, devices.DeviceIds...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// holders maps each device in use to the container that has it.
func (k *kubelet) holders(ctx context.Context) (map[string]holder, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	answer, err := k.client.List(ctx, &api.ListPodResourcesRequest{})
	if err != nil {
		return nil, err
	}
	holders := map[string]holder{}
	for _, pod := range answer.PodResources {
		for _, container := range pod.Containers {
			for _, devices := range container.Devices {
				if devices.ResourceName != resource {
					continue
				}
				for _, id := range devices.DeviceIds {
					holders[id] = holder{pod.Namespace, pod.Name, container.Name}
				}
			}
		}
	}
	return holders, nil
}
