package main

import (
	"slices"
	"testing"
)

func TestACardOfItsOwnHasItsUUIDAndASharedOneAnIdForEachReplica(t *testing.T) {
	named := pairs("GPU-a=/dev/nvidia0,GPU-b=/dev/nvidia1")
	if got := newCards(named, 1, nil, nil).ids; !slices.Equal(got, []string{"GPU-a", "GPU-b"}) {
		t.Fatal(got)
	}
	if got := newCards(named[:1], 2, nil, nil).ids; !slices.Equal(got, []string{"GPU-a::0", "GPU-a::1"}) {
		t.Fatal(got)
	}
}

func TestAContainerGetsTheFilesOfItsCardsAndTheDriver(t *testing.T) {
	p := newCards(pairs("GPU-a=/dev/nvidia0,GPU-b=/dev/nvidia1"), 2, list("/dev/nvidiactl"), pairs("libcuda.so.1=/opt/driver/libcuda.so.580"))
	answer, err := p.allocate([]string{"GPU-b::0", "GPU-b::1"})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, device := range answer.Devices {
		files = append(files, device.HostPath)
	}
	if !slices.Equal(files, []string{"/dev/nvidia1", "/dev/nvidiactl"}) || answer.Envs["NVIDIA_VISIBLE_DEVICES"] != "GPU-b" {
		t.Fatal(files, answer.Envs)
	}
	if len(answer.Mounts) != 1 || answer.Mounts[0].HostPath != "/opt/driver/libcuda.so.580" || answer.Mounts[0].ContainerPath != "/usr/local/nvidia/lib64/libcuda.so.1" {
		t.Fatal(answer.Mounts)
	}
	if _, err := p.allocate([]string{"GPU-c::0"}); err == nil {
		t.Fatal("a card that is not offered was allocated")
	}
}
