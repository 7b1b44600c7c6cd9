package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	resource "k8s.io/api/resource/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	cdi "tags.cncf.io/container-device-interface/specs-go"
)

func testDriver(t *testing.T, devices string) *driver {
	t.Helper()
	all, err := parseDevices(devices)
	if err != nil {
		t.Fatal(err)
	}
	return &driver{name: defaultDriver, kind: "gpu", node: "n1", devices: all, holders: map[string]string{}}
}

func claim(uid string, devices ...string) *resource.ResourceClaim {
	allocation := &resource.AllocationResult{}
	for _, device := range devices {
		allocation.Devices.Results = append(allocation.Devices.Results,
			resource.DeviceRequestAllocationResult{Driver: defaultDriver, Pool: "n1", Device: device, Request: "gpu"})
	}
	return &resource.ResourceClaim{
		ObjectMeta: meta.ObjectMeta{Name: "c", UID: types.UID(uid)}, Status: resource.ResourceClaimStatus{Allocation: allocation},
	}
}

func prepare(t *testing.T, d *driver, claim *resource.ResourceClaim) kubeletplugin.PrepareResult {
	t.Helper()
	results, err := d.PrepareResourceClaims(context.Background(), []*resource.ResourceClaim{claim})
	if err != nil {
		t.Fatal(err)
	}
	return results[claim.UID]
}

func TestTheSliceNamesEachDeviceWithItsCard(t *testing.T) {
	d := testDriver(t, "gpu-0-0=GPU-a,gpu-0-1=GPU-a,eth0")
	devices := d.resources().Pools["n1"].Slices[0].Devices
	if len(devices) != 3 || devices[1].Name != "gpu-0-1" {
		t.Fatal(devices)
	}
	if uuid := devices[1].Attributes["uuid"].StringValue; uuid == nil || *uuid != "GPU-a" {
		t.Fatal(devices[1])
	}
	if _, has := devices[2].Attributes["uuid"]; has {
		t.Fatal("a device without a UUID has one")
	}
	if _, err := parseDevices("gpu-0=GPU-a,gpu-0=GPU-b"); err == nil {
		t.Fatal("two devices of one name were taken")
	}
}

func TestADeviceIsPreparedForOneClaimUntilThatIsUnprepared(t *testing.T) {
	d := testDriver(t, "gpu-0=GPU-a,gpu-1=GPU-b")
	for range 2 { // the kubelet may ask again
		result := prepare(t, d, claim("1", "gpu-0"))
		if result.Err != nil || len(result.Devices) != 1 || result.Devices[0].DeviceName != "gpu-0" {
			t.Fatal(result)
		}
	}
	if result := prepare(t, d, claim("2", "gpu-0")); result.Err == nil {
		t.Fatal("a device was prepared for two claims")
	}
	if result := prepare(t, d, claim("2", "gpu-7")); result.Err == nil {
		t.Fatal("a device that is not offered was prepared")
	}
	object := kubeletplugin.NamespacedObject{UID: "1"}
	for range 2 {
		results, err := d.UnprepareResourceClaims(context.Background(), []kubeletplugin.NamespacedObject{object})
		if done, has := results["1"]; err != nil || !has || done != nil {
			t.Fatal(results, err)
		}
	}
	if result := prepare(t, d, claim("2", "gpu-0")); result.Err != nil {
		t.Fatal(result.Err)
	}
}

func TestAnotherDriversDevicesOfAClaimAreLeftAlone(t *testing.T) {
	d := testDriver(t, "gpu-0=GPU-a")
	both := claim("1", "gpu-0")
	both.Status.Allocation.Devices.Results = append(both.Status.Allocation.Devices.Results,
		resource.DeviceRequestAllocationResult{Driver: "dra.net", Pool: "n1", Device: "eth0", Request: "nic"})
	if result := prepare(t, d, both); result.Err != nil || len(result.Devices) != 1 {
		t.Fatal(result)
	}
}

func TestAContainerGetsTheFilesOfItsCardsAndTheDriver(t *testing.T) {
	d := testDriver(t, "gpu-0=GPU-a,gpu-1=GPU-b")
	d.cdi = &cdiFolder{
		path: t.TempDir(), vendor: "k8s." + defaultDriver, files: pairs("GPU-a=/dev/nvidia0,GPU-b=/dev/nvidia1"),
		control: list("/dev/nvidiactl"), libraries: pairs("libcuda.so.1=/opt/driver/libcuda.so.580"),
	}
	result := prepare(t, d, claim("u-1", "gpu-1"))
	expected := []string{"k8s.gpu.rig.local/claim=u-1-device-gpu-1", "k8s.gpu.rig.local/claim=u-1-request-gpu"}
	if result.Err != nil || !slices.Equal(result.Devices[0].CDIDeviceIDs, expected) {
		t.Fatal(result)
	}
	files, _ := filepath.Glob(filepath.Join(d.cdi.path, "*"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var spec cdi.Spec
	if err := json.Unmarshal(text, &spec); err != nil || spec.Kind != "k8s.gpu.rig.local/claim" || len(spec.Devices) != 2 {
		t.Fatal(err, string(text))
	}
	card, request := spec.Devices[0].ContainerEdits, spec.Devices[1].ContainerEdits
	if len(card.DeviceNodes) != 1 || card.DeviceNodes[0].HostPath != "/dev/nvidia1" {
		t.Fatal(string(text))
	}
	if !slices.Contains(request.Env, "NVIDIA_VISIBLE_DEVICES=GPU-b") || request.DeviceNodes[0].Path != "/dev/nvidiactl" {
		t.Fatal(string(text))
	}
	if len(request.Mounts) != 1 || request.Mounts[0].HostPath != "/opt/driver/libcuda.so.580" || request.Mounts[0].ContainerPath != "/usr/local/nvidia/lib64/libcuda.so.1" {
		t.Fatal(string(text))
	}
	results, err := d.UnprepareResourceClaims(context.Background(), []kubeletplugin.NamespacedObject{{UID: "u-1"}})
	if err != nil || results["u-1"] != nil {
		t.Fatal(results, err)
	}
	if files, _ = filepath.Glob(filepath.Join(d.cdi.path, "*")); len(files) != 0 {
		t.Fatal(files)
	}
}
