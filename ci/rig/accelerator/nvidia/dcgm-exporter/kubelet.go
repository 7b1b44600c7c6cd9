package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/podresources/v1"
)

const resource = "nvidia.com/gpu"

// kubelet is the pod-resources socket: who holds which device.
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
