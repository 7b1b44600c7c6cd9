// Package deviceplugin offers devices of one extended resource to the kubelet.
package deviceplugin

import (
	"context"
	"log"
	"strings"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Plugin offers devices that are always healthy.
type Plugin struct {
	api.UnimplementedDevicePluginServer
	Resource string
	IDs      []string
	// Container is what a container with these devices gets.
	Container func(ids []string) (*api.ContainerAllocateResponse, error)
}

func (p *Plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *Plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	devices := make([]*api.Device, len(p.IDs))
	for i, id := range p.IDs {
		devices[i] = &api.Device{ID: id, Health: api.Healthy}
	}
	if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (p *Plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		answer, err := p.Container(container.DevicesIds)
		if err != nil {
			return nil, err
		}
		log.Printf("allocated %s", strings.Join(container.DevicesIds, ", "))
		response.ContainerResponses = append(response.ContainerResponses, answer)
	}
	return response, nil
}
