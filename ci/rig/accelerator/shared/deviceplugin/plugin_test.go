package deviceplugin

import (
	"context"
	"errors"
	"testing"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

func TestEachResourceHasASocketOfItsOwn(t *testing.T) {
	for resource, want := range map[string]string{
		"nvidia.com/gpu": "nvidia-gpu.sock", "nvidia.com/mig-1g.10gb": "nvidia-mig-1g.10gb.sock",
	} {
		if got := socketName(resource); got != want {
			t.Errorf("%s: got %s, want %s", resource, got, want)
		}
	}
}

func TestEachContainerOfARequestGetsItsAnswerAndAnErrorEndsIt(t *testing.T) {
	p := &Plugin{Container: func(ids []string) (*api.ContainerAllocateResponse, error) {
		if ids[0] == "b" {
			return nil, errors.New("there is no b")
		}
		return &api.ContainerAllocateResponse{Envs: map[string]string{"id": ids[0]}}, nil
	}}
	ask := func(ids ...string) (*api.AllocateResponse, error) {
		request := &api.AllocateRequest{}
		for _, id := range ids {
			request.ContainerRequests = append(request.ContainerRequests, &api.ContainerAllocateRequest{DevicesIds: []string{id}})
		}
		return p.Allocate(context.Background(), request)
	}
	answer, err := ask("a", "c")
	if err != nil || len(answer.ContainerResponses) != 2 || answer.ContainerResponses[1].Envs["id"] != "c" {
		t.Fatal(answer, err)
	}
	if _, err := ask("a", "b"); err == nil {
		t.Fatal("no error")
	}
}
