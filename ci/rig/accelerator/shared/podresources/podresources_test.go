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
	container := &api.ContainerResources{Name: "ollama", Devices: onTheNode}
	pod := &api.PodResources{Namespace: "llm", Name: "one", Containers: []*api.ContainerResources{container}}
	return &api.ListPodResourcesResponse{PodResources: []*api.PodResources{pod}}, nil
}

func TestGPUsAndMIGInstancesAreRead(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "kubelet.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	defer server.Stop()
	api.RegisterPodResourcesListerServer(server, kubelet{})
	go server.Serve(listener)

	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"GPU-c", "MIG-a", "MIG-b"}
	if ids, err := client.Devices(t.Context()); err != nil || !slices.Equal(ids, want) {
		t.Fatal(ids, err)
	}
	holders, err := client.Holders(t.Context())
	if err != nil || !slices.Equal(slices.Sorted(maps.Keys(holders)), want) || holders["MIG-a"].PodName() != "llm/one" {
		t.Fatal(holders, err)
	}
}
