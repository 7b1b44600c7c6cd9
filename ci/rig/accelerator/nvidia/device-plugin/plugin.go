package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Where a container finds the driver's libraries: a place that the images of CUDA and the charts have in LD_LIBRARY_PATH.
const libraryFolder = "/usr/local/nvidia/lib64"

// cards of this machine that the plugin offers, each as one device or as several replicas.
type cards struct {
	ids       []string
	files     map[string]string // of each card, by its UUID
	control   []string
	libraries []pair
}

func newCards(named []pair, replicas int, control []string, libraries []pair) *cards {
	c := &cards{files: map[string]string{}, control: control, libraries: libraries}
	for _, card := range named {
		c.files[card.name] = card.value
		for n := range replicas {
			id := card.name
			if replicas > 1 {
				id = fmt.Sprintf("%s::%d", card.name, n)
			}
			c.ids = append(c.ids, id)
		}
	}
	return c
}

// allocate: the files of the devices' cards, each once, and what every container with a card needs.
func (c *cards) allocate(ids []string) (*api.ContainerAllocateResponse, error) {
	var cards []string
	for _, id := range ids {
		card, _, _ := strings.Cut(id, "::")
		if c.files[card] == "" {
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
		device(c.files[card])
	}
	for _, file := range c.control {
		device(file)
	}
	for _, library := range c.libraries {
		answer.Mounts = append(answer.Mounts, &api.Mount{
			HostPath: library.value, ContainerPath: path.Join(libraryFolder, library.name), ReadOnly: true,
		})
	}
	return answer, nil
}
