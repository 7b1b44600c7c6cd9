package main

import (
	"context"
	"fmt"
	"log"
	"path"
	"slices"
	"strings"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Where a container finds the driver's libraries: a place that the images of CUDA and the charts have in LD_LIBRARY_PATH.
const libraryFolder = "/usr/local/nvidia/lib64"

type plugin struct {
	api.UnimplementedDevicePluginServer
	devices   []*api.Device
	files     map[string]string // of each card, by its UUID
	control   []string
	libraries []pair
}

func newPlugin(cards []pair, replicas int, control []string, libraries []pair) *plugin {
	p := &plugin{files: map[string]string{}, control: control, libraries: libraries}
	for _, card := range cards {
		p.files[card.name] = card.value
		for n := range replicas {
			id := card.name
			if replicas > 1 {
				id = fmt.Sprintf("%s::%d", card.name, n)
			}
			p.devices = append(p.devices, &api.Device{ID: id, Health: api.Healthy})
		}
	}
	return p
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	if err := stream.Send(&api.ListAndWatchResponse{Devices: p.devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		answer, err := p.allocate(container.DevicesIds)
		if err != nil {
			return nil, err
		}
		log.Printf("allocated %s", strings.Join(container.DevicesIds, ", "))
		response.ContainerResponses = append(response.ContainerResponses, answer)
	}
	return response, nil
}

// allocate: the files of the devices' cards, each once, and what every container with a card needs.
func (p *plugin) allocate(ids []string) (*api.ContainerAllocateResponse, error) {
	var cards []string
	for _, id := range ids {
		card, _, _ := strings.Cut(id, "::")
		if p.files[card] == "" {
			return nil, fmt.Errorf("there is no card %s", card)
		}
		if !slices.Contains(cards, card) {
			cards = append(cards, card)
		}
	}
	answer := &api.ContainerAllocateResponse{Envs: map[string]string{
		"NVIDIA_VISIBLE_DEVICES": strings.Join(cards, ","),
		"LD_LIBRARY_PATH":        libraryFolder,
	}}
	device := func(file string) {
		answer.Devices = append(answer.Devices, &api.DeviceSpec{HostPath: file, ContainerPath: file, Permissions: "rw"})
	}
	for _, card := range cards {
		device(p.files[card])
	}
	for _, file := range p.control {
		device(file)
	}
	for _, library := range p.libraries {
		answer.Mounts = append(answer.Mounts, &api.Mount{
			HostPath: library.value, ContainerPath: path.Join(libraryFolder, library.name), ReadOnly: true,
		})
	}
	return answer, nil
}
