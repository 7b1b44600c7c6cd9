package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	resource "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/utils/ptr"
)

// healthInterval is below the 30 s after which the kubelet calls the health of a device unknown.
const healthInterval = 10 * time.Second

// device is one that a claim can have. Several devices may be shares of one card, and then have its UUID.
type device struct{ name, uuid string }

func parseDevices(text string) ([]device, error) {
	var devices []device
	known := map[string]bool{}
	for _, entry := range list(text) {
		name, uuid, _ := strings.Cut(entry, "=")
		if name == "" || known[name] {
			return nil, fmt.Errorf("%q: each device needs a name of its own", entry)
		}
		known[name] = true
		devices = append(devices, device{name, uuid})
	}
	if len(devices) == 0 {
		return nil, errors.New("-devices names no device")
	}
	return devices, nil
}

type driver struct {
	name, kind, node string
	devices          []device
	cdi              *cdiFolder // nil: the runtime knows no CDI, or the devices need none

	lock    sync.Mutex
	holders map[string]string // UID of the claim that has a device, by the device's name
}

var _ kubeletplugin.DRAPlugin = &driver{}

// resources: all devices in one slice of the pool of this node, with the attributes by which an exporter finds the card of a device.
func (d *driver) resources() resourceslice.DriverResources {
	var devices []resource.Device
	for _, one := range d.devices {
		attributes := map[resource.QualifiedName]resource.DeviceAttribute{"type": {StringValue: ptr.To(d.kind)}}
		if one.uuid != "" {
			attributes["uuid"] = resource.DeviceAttribute{StringValue: ptr.To(one.uuid)}
		}
		devices = append(devices, resource.Device{Name: one.name, Attributes: attributes})
	}
	slice := resourceslice.Slice{Devices: devices}
	pool := resourceslice.Pool{Slices: []resourceslice.Slice{slice}}
	return resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{d.node: pool}}
}

func (d *driver) PrepareResourceClaims(_ context.Context, claims []*resource.ResourceClaim) (map[types.UID]kubeletplugin.PrepareResult, error) {
	results := map[types.UID]kubeletplugin.PrepareResult{}
	for _, claim := range claims {
		devices, err := d.prepare(claim)
		if err != nil {
			log.Printf("claim %s/%s: %v", claim.Namespace, claim.Name, err)
		}
		results[claim.UID] = kubeletplugin.PrepareResult{Devices: devices, Err: err}
	}
	return results, nil
}

// prepare answers with the claim's devices of this driver. The kubelet may ask again for a claim that is prepared.
func (d *driver) prepare(claim *resource.ResourceClaim) ([]kubeletplugin.Device, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if claim.Status.Allocation == nil {
		return nil, errors.New("it is not allocated")
	}
	var allocated []allocatedDevice
	for _, result := range claim.Status.Allocation.Devices.Results {
		if result.Driver != d.name {
			continue
		}
		one, known := d.find(result.Pool, result.Device)
		if !known {
			return nil, fmt.Errorf("node %s has no device %s/%s", d.node, result.Pool, result.Device)
		}
		if holder := d.holders[one.name]; holder != "" && holder != string(claim.UID) {
			return nil, fmt.Errorf("device %s is prepared for the claim with the UID %s", one.name, holder)
		}
		allocated = append(allocated, allocatedDevice{one, result.Request})
	}
	if d.cdi != nil {
		if err := d.cdi.write(claim.UID, allocated); err != nil {
			return nil, err
		}
	}
	var prepared []kubeletplugin.Device
	for _, one := range allocated {
		d.holders[one.name] = string(claim.UID)
		answer := kubeletplugin.Device{Requests: []string{one.request}, PoolName: d.node, DeviceName: one.name}
		if d.cdi != nil {
			answer.CDIDeviceIDs = d.cdi.ids(claim.UID, one)
		}
		prepared = append(prepared, answer)
	}
	log.Printf("claim %s/%s has %d devices", claim.Namespace, claim.Name, len(prepared))
	return prepared, nil
}

func (d *driver) find(pool, name string) (device, bool) {
	for _, one := range d.devices {
		if pool == d.node && one.name == name {
			return one, true
		}
	}
	return device{}, false
}

// UnprepareResourceClaims also gets claims that were never prepared, or by an earlier process.
func (d *driver) UnprepareResourceClaims(_ context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	results := map[types.UID]error{}
	for _, claim := range claims {
		results[claim.UID] = nil
		for name, holder := range d.holders {
			if holder == string(claim.UID) {
				delete(d.holders, name)
			}
		}
		if d.cdi != nil {
			results[claim.UID] = d.cdi.remove(claim.UID)
		}
	}
	return results, nil
}

func (d *driver) HandleError(_ context.Context, err error, message string) {
	if errors.Is(err, kubeletplugin.ErrRecoverable) {
		log.Printf("%s: %v", message, err)
		return
	}
	log.Fatalf("%s: %v", message, err)
}

// WatchHealthStatus says that each device is healthy. With it the kubelet names the devices of a container in the pod's status.
func (d *driver) WatchHealthStatus(ctx context.Context, reports chan<- kubeletplugin.DeviceHealthReport) error {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for {
		var report kubeletplugin.DeviceHealthReport
		for _, one := range d.devices {
			report.Devices = append(report.Devices, kubeletplugin.DeviceHealth{
				PoolName: d.node, DeviceName: one.name, Health: kubeletplugin.HealthStatusHealthy, LastUpdated: time.Now(),
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case reports <- report:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
