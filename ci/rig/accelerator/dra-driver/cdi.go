package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	cdi "tags.cncf.io/container-device-interface/specs-go"
)

const (
	// Where a container finds the driver's libraries: a place that the images of CUDA and the charts have in LD_LIBRARY_PATH.
	libraryFolder = "/usr/local/nvidia/lib64"
	cdiClass      = "claim"
	// A version that every runtime with CDI reads.
	cdiVersion = "0.5.0"
)

// allocatedDevice is a device of a claim, and the request of the claim that it fulfils.
type allocatedDevice struct {
	device
	request string
}

// cdiFolder writes what the container of a claim gets: the same as from the rig's device plugin for NVIDIA's cards.
type cdiFolder struct {
	path, vendor string
	files        []pair // device file of a card, by its UUID
	control      []string
	libraries    []pair
}

// ids: the device itself comes first, since the kubelet names a device by its first id. The second is the request, with what its
// container needs once however many devices it has. No id is used again, so a runtime that caches them makes no mistake.
func (c *cdiFolder) ids(claim types.UID, one allocatedDevice) []string {
	kind := c.vendor + "/" + cdiClass + "="
	return []string{kind + deviceName(claim, one), kind + requestName(claim, one.request)}
}

func deviceName(claim types.UID, one allocatedDevice) string {
	return string(claim) + "-device-" + one.name
}

// requestName: an alternative of a request is named REQUEST/ALTERNATIVE, and a name of CDI has no slash.
func requestName(claim types.UID, request string) string {
	return string(claim) + "-request-" + strings.ReplaceAll(request, "/", "_")
}

func (c *cdiFolder) file(claim types.UID) string {
	return filepath.Join(c.path, c.vendor+"-"+cdiClass+"-"+string(claim)+".json")
}

// write writes the specification of the claim, complete or not at all.
func (c *cdiFolder) write(claim types.UID, devices []allocatedDevice) error {
	if len(devices) == 0 {
		return nil
	}
	text, err := json.Marshal(c.specification(claim, devices))
	if err != nil {
		return err
	}
	// A runtime reads only names that end with .json.
	unfinished := c.file(claim) + ".new"
	if err := os.WriteFile(unfinished, text, 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, c.file(claim))
}

func (c *cdiFolder) remove(claim types.UID) error {
	if err := os.Remove(c.file(claim)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (c *cdiFolder) specification(claim types.UID, devices []allocatedDevice) cdi.Spec {
	spec := cdi.Spec{Version: cdiVersion, Kind: c.vendor + "/" + cdiClass}
	uuids := map[string][]string{}
	var requests []string
	for _, one := range devices {
		edits := cdi.ContainerEdits{}
		for _, file := range c.files {
			if file.name == one.uuid {
				edits.DeviceNodes = append(edits.DeviceNodes, deviceNode(file.value))
			}
		}
		// A specification without any edit is refused.
		edits.Env = []string{"RIG_DEVICE_" + environmentName(one.name) + "=" + one.uuid}
		spec.Devices = append(spec.Devices, cdi.Device{Name: deviceName(claim, one), ContainerEdits: edits})
		if !slices.Contains(requests, one.request) {
			requests = append(requests, one.request)
		}
		if !slices.Contains(uuids[one.request], one.uuid) {
			uuids[one.request] = append(uuids[one.request], one.uuid)
		}
	}
	for _, request := range requests {
		edits := c.common(uuids[request])
		spec.Devices = append(spec.Devices, cdi.Device{Name: requestName(claim, request), ContainerEdits: edits})
	}
	return spec
}

// common: what a container with these cards needs beside their files.
func (c *cdiFolder) common(uuids []string) cdi.ContainerEdits {
	edits := cdi.ContainerEdits{Env: []string{
		"NVIDIA_VISIBLE_DEVICES=" + strings.Join(uuids, ","), "LD_LIBRARY_PATH=" + libraryFolder,
	}}
	for _, file := range c.control {
		edits.DeviceNodes = append(edits.DeviceNodes, deviceNode(file))
	}
	for _, library := range c.libraries {
		edits.Mounts = append(edits.Mounts, &cdi.Mount{
			HostPath:      library.value,
			ContainerPath: filepath.Join(libraryFolder, library.name),
			Options:       []string{"ro", "nosuid", "nodev", "bind"},
		})
	}
	return edits
}

func deviceNode(file string) *cdi.DeviceNode {
	return &cdi.DeviceNode{Path: file, HostPath: file, Permissions: "rw"}
}

func environmentName(device string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(device))
}
