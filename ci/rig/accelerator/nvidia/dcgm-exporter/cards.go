package main

import (
	"fmt"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"gpuhpa.example/rig/shared/exporter"
)

// card is one card of the machine.
type card struct {
	handle nvml.Device
	device exporter.Device
}

func openCards() ([]*card, error) {
	if ret := nvml.Init(); ret != nvml.SUCCESS {
		return nil, fmt.Errorf("NVML: %v", nvml.ErrorString(ret))
	}
	count, ret := nvml.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("the number of cards: %v", nvml.ErrorString(ret))
	}
	var cards []*card
	for number := range count {
		card, err := openCard(number)
		if err != nil {
			return nil, fmt.Errorf("card %d: %w", number, err)
		}
		cards = append(cards, card)
	}
	return cards, nil
}

func openCard(number int) (*card, error) {
	handle, ret := nvml.DeviceGetHandleByIndex(number)
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("its handle: %v", nvml.ErrorString(ret))
	}
	uuid, ret := handle.GetUUID()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("its UUID: %v", nvml.ErrorString(ret))
	}
	// Labels only: a card without one of them is still a card.
	name, _ := handle.GetName()
	minor, _ := handle.GetMinorNumber()
	pci, _ := handle.GetPciInfo()
	var bus []byte
	for _, c := range pci.BusId {
		if c == 0 {
			break
		}
		bus = append(bus, byte(c))
	}
	device := exporter.Device{ID: uuid, Number: number, UUID: uuid, Bus: string(bus), Minor: fmt.Sprint(minor), Model: name}
	return &card{handle, device}, nil
}

// read takes the card's values of the moment, and those of its processes over the last window. podOf names the pod of a process;
// empty for a process in none.
func (c *card) read(window time.Duration, podOf func(pid uint32) string) (exporter.Reading, error) {
	rates, ret := c.handle.GetUtilizationRates()
	if ret != nvml.SUCCESS {
		return exporter.Reading{}, fmt.Errorf("utilization: %v", nvml.ErrorString(ret))
	}
	memory, ret := c.handle.GetMemoryInfo()
	if ret != nvml.SUCCESS {
		return exporter.Reading{}, fmt.Errorf("memory: %v", nvml.ErrorString(ret))
	}
	values := exporter.Values{Utilization: int64(rates.Gpu), Used: int64(memory.Used >> 20), Free: int64(memory.Free >> 20)}
	since := uint64(time.Now().Add(-window).UnixMicro())
	samples, ret := c.handle.GetProcessUtilization(since)
	// Not found: no process has used the card since.
	if ret != nvml.SUCCESS && ret != nvml.ERROR_NOT_FOUND {
		return exporter.Reading{}, fmt.Errorf("the processes' utilization: %v", nvml.ErrorString(ret))
	}
	processes, ret := c.handle.GetComputeRunningProcesses()
	if ret != nvml.SUCCESS {
		return exporter.Reading{}, fmt.Errorf("the processes: %v", nvml.ErrorString(ret))
	}
	pods := usesOfPods(samples, since, processes, podOf)
	for pod, use := range pods {
		use.Free = values.Free // what is free is free for every pod
		pods[pod] = use
	}
	return exporter.Reading{Device: c.device, Values: values, Pods: pods}, nil
}

// usesOfPods adds up the mean utilization of each process since then, and its memory, for the pod that it runs in.
func usesOfPods(samples []nvml.ProcessUtilizationSample, since uint64, processes []nvml.ProcessInfo, podOf func(uint32) string) map[string]exporter.Values {
	sum, count := map[uint32]int64{}, map[uint32]int64{}
	for _, sample := range samples {
		// NVML pads its answer with empty entries, and repeats old ones.
		if sample.Pid != 0 && sample.TimeStamp >= since && sample.SmUtil <= 100 {
			sum[sample.Pid] += int64(sample.SmUtil)
			count[sample.Pid]++
		}
	}
	pods := map[string]exporter.Values{}
	for pid, total := range sum {
		if pod := podOf(pid); pod != "" {
			use := pods[pod]
			use.Utilization = min(100, use.Utilization+total/count[pid])
			pods[pod] = use
		}
	}
	for _, process := range processes {
		// NVML returns the largest number where it cannot attribute memory to a process.
		if pod := podOf(process.Pid); pod != "" && process.UsedGpuMemory < 1<<50 {
			use := pods[pod]
			use.Used += int64(process.UsedGpuMemory >> 20)
			pods[pod] = use
		}
	}
	return pods
}
