package podresources

import (
	"context"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/grpc"
	api "k8s.io/kubelet/pkg/apis/podresources/v1"

	"gpuhpa.example/rig/shared/resourceslices"
)

type kubelet struct {
	api.UnimplementedPodResourcesListerServer
}

var onTheNode = []*api.ContainerDevices{
	{ResourceName: "nvidia.com/mig-1g.10gb", DeviceIds: []string{"MIG-b", "MIG-a"}},
	{ResourceName: "nvidia.com/gpu", DeviceIds: []string{"GPU-c"}},
	{ResourceName: "nvidia.com/gpu.shared", DeviceIds: []string{"GPU-d::0"}},
	{ResourceName: "rdma/hca", DeviceIds: []string{"hca-0"}},
}

func (kubelet) GetAllocatableResources(context.Context, *api.AllocatableResourcesRequest) (*api.AllocatableResourcesResponse, error) {
	return &api.AllocatableResourcesResponse{Devices: onTheNode}, nil
}

func (kubelet) List(context.Context, *api.ListPodResourcesRequest) (*api.ListPodResourcesResponse, error) {
	pods := []*api.PodResources{podWith("one", &api.ContainerResources{Devices: onTheNode})}
	for name, device := range map[string]string{"alone": "gpu-0", "third": "gpu-1", "second": "gpu-1", "network": "eth0"} {
		claim := &api.DynamicResource{ClaimName: "of-" + device, ClaimNamespace: "llm", ClaimResources: []*api.ClaimResource{
			{DriverName: "gpu.rig.local", PoolName: "n1", DeviceName: device},
		}}
		pods = append(pods, podWith(name, &api.ContainerResources{DynamicResources: []*api.DynamicResource{claim}}))
	}
	return &api.ListPodResourcesResponse{PodResources: pods}, nil
}

func podWith(name string, container *api.ContainerResources) *api.PodResources {
	container.Name = "ollama"
	return &api.PodResources{Namespace: "llm", Name: name, Containers: []*api.ContainerResources{container}}
}

func dial(t *testing.T) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "kubelet.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	t.Cleanup(server.Stop)
	api.RegisterPodResourcesListerServer(server, kubelet{})
	go server.Serve(listener)

	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestGPUsAndMIGInstancesAreRead(t *testing.T) {
	client := dial(t)
	want := []string{"GPU-c", "MIG-a", "MIG-b"}
	if ids, err := client.Devices(t.Context()); err != nil || !slices.Equal(ids, want) {
		t.Fatal(ids, err)
	}
	holders, err := client.Holders(t.Context())
	if err != nil || !slices.Equal(slices.Sorted(maps.Keys(holders)), want) || holders["MIG-a"].PodName() != "llm/one" {
		t.Fatal(holders, err)
	}
}

func TestTheDevicesOfClaimsAreCards(t *testing.T) {
	device := func(name string) resourceslices.Device {
		return resourceslices.Device{Driver: "gpu.rig.local", Pool: "n1", Name: name}
	}
	uuids := map[resourceslices.Device]string{device("gpu-0"): "GPU-a", device("gpu-1"): "GPU-b"}
	holders, err := dial(t).ClaimHolders(t.Context(), uuids)
	if err != nil || len(holders) != 3 {
		t.Fatal(holders, err)
	}
	if holders["GPU-a"].Pod != "alone" || holders["GPU-b::0"].Pod != "second" || holders["GPU-b::1"].Pod != "third" {
		t.Fatal(holders)
	}
	if claim := holders["GPU-b::1"].Claim; claim == nil || *claim != (Claim{"llm", "of-gpu-1", device("gpu-1")}) {
		t.Fatal(claim)
	}
	// Two devices are offered of one card: one container has a share of it.
	uuids[device("gpu-2")] = "GPU-a"
	if holders, err = dial(t).ClaimHolders(t.Context(), uuids); err != nil || holders["GPU-a::0"].Pod != "alone" {
		t.Fatal(holders, err)
	}
}
