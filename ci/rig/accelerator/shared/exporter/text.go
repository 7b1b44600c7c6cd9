package exporter

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"gpuhpa.example/rig/shared/podresources"
)

// field is one metric. perProcess: it is known of each pod that shares a device. has: whether a device has it.
type field struct {
	name, help string
	perProcess bool
	has        func(Device) bool
	value      func(Values) string
}

func isCard(d Device) bool     { return d.Profile == "" }
func isInstance(d Device) bool { return d.Profile != "" }
func isAny(Device) bool        { return true }

var fields = []field{
	{"DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", true, isCard, func(v Values) string { return fmt.Sprint(v.Utilization) }},
	// What is free is free for every pod.
	{"DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", false, isAny, func(v Values) string { return fmt.Sprint(v.Free) }},
	{"DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", true, isAny, func(v Values) string { return fmt.Sprint(v.Used) }},
	{"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Ratio of time the graphics engine is active.", false, isInstance,
		func(v Values) string { return fmt.Sprintf("%f", float64(v.Utilization)/100) }},
}

// series is one line of a field: the pod, if it names one, the replica of a shared device, and the values.
type series struct {
	holder  *podresources.Holder
	replica string
	values  Values
}

// WriteText follows dcgm-exporter: its order of labels, no pod labels at all, rather than empty ones, for a device without a pod,
// and no field that no device has. turn chooses the pod where the attribution is Rotating.
func WriteText(w io.Writer, host string, readings []Reading, holders map[string]podresources.Holder, attribution Attribution, turn int) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	for _, field := range fields {
		if !slices.ContainsFunc(readings, func(r Reading) bool { return field.has(r.Device) }) {
			continue
		}
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", field.name, field.help, field.name)
		for _, r := range readings {
			if !field.has(r.Device) {
				continue
			}
			labels := deviceLabels(r.Device, host)
			for _, s := range seriesOf(field, r, holders, attribution, turn) {
				fmt.Fprintf(out, "%s{%s%s} %s\n", field.name, labels, podLabels(s), field.value(s.values))
			}
		}
	}
}

func deviceLabels(d Device, host string) string {
	labels := fmt.Sprintf("gpu=\"%d\",UUID=%q,pci_bus_id=%q,device=\"nvidia%s\",modelName=%q", d.Number, d.UUID, d.Bus, d.Minor, d.Model)
	if isInstance(d) {
		labels += fmt.Sprintf(",GPU_I_PROFILE=%q,GPU_I_ID=%q", d.Profile, d.Instance)
	}
	return labels + fmt.Sprintf(",Hostname=%q", host)
}

func podLabels(s series) string {
	if s.holder == nil {
		return ""
	}
	labels := fmt.Sprintf(",container=%q", s.holder.Container)
	// The labels of a pod are in the order of their names.
	claim := s.holder.Claim
	if claim != nil {
		labels += fmt.Sprintf(",dra_claim_name=%q,dra_claim_namespace=%q,dra_device_name=%q,dra_driver_name=%q,dra_pool_name=%q",
			claim.Name, claim.Namespace, claim.Device.Name, claim.Device.Driver, claim.Device.Pool)
	}
	labels += fmt.Sprintf(",namespace=%q,pod=%q", s.holder.Namespace, s.holder.Pod)
	if s.replica != "" && claim == nil {
		labels += fmt.Sprintf(",vgpu=%q", s.replica)
	}
	return labels
}

func seriesOf(field field, r Reading, holders map[string]podresources.Holder, attribution Attribution, turn int) []series {
	whole := series{values: r.Values}
	held := heldIDs(r.Device, holders)
	if len(held) == 0 {
		return []series{whole}
	}
	of := func(id string) series {
		holder := holders[id]
		_, replica, _ := strings.Cut(id, "::")
		return series{&holder, replica, r.Values}
	}
	if held[0] == r.Device.ID {
		return []series{of(held[0])}
	}
	switch attribution {
	case Unattributed:
		return []series{whole}
	case Rotating:
		one := of(held[turn%len(held)])
		one.replica = ""
		return []series{one}
	}
	var all []series
	if attribution == OwnShare && field.perProcess {
		all = append(all, whole)
	}
	for _, id := range held {
		one := of(id)
		if attribution == OwnShare && field.perProcess {
			one.values = r.Pods[one.holder.PodName()]
		}
		all = append(all, one)
	}
	return all
}

// heldIDs: the ids of this device that are held, in order.
func heldIDs(d Device, holders map[string]podresources.Holder) []string {
	var ids []string
	for id := range holders {
		if device, _, _ := strings.Cut(id, "::"); device == d.ID {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
