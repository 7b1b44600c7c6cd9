package main

import (
	"fmt"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// card is one card of the machine.
type card struct {
	handle                 nvml.Device
	number                 int
	uuid, name, bus, minor string
}

// reading is one sample of a card, and of the pods whose processes used it.
type reading struct {
	card        *card
	utilization int64 // 0..100
	used, free  int64 // MiB
	pods        map[string]podUse
}

// podUse is the use of one card by the processes of one pod.
type podUse struct {
	utilization int64 // 0..100
	used        int64 // MiB
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
	return &card{handle, number, uuid, name, string(bus), fmt.Sprint(minor)}, nil
}

// read takes the card's values of the moment, and those of its processes over the last window. podOf names the pod of a process;
// empty for a process in none.
func (c *card) read(window time.Duration, podOf func(pid uint32) string) (reading, error) {
	rates, ret := c.handle.GetUtilizationRates()
	if ret != nvml.SUCCESS {
		return reading{}, fmt.Errorf("utilization: %v", nvml.ErrorString(ret))
	}
	memory, ret := c.handle.GetMemoryInfo()
	if ret != nvml.SUCCESS {
		return reading{}, fmt.Errorf("memory: %v", nvml.ErrorString(ret))
	}
	r := reading{card: c, utilization: int64(rates.Gpu), used: int64(memory.Used >> 20), free: int64(memory.Free >> 20)}
	since := uint64(time.Now().Add(-window).UnixMicro())
	samples, ret := c.handle.GetProcessUtilization(since)
	// Not found: no process has used the card since.
	if ret != nvml.SUCCESS && ret != nvml.ERROR_NOT_FOUND {
		return reading{}, fmt.Errorf("the processes' utilization: %v", nvml.ErrorString(ret))
	}
	processes, ret := c.handle.GetComputeRunningProcesses()
	if ret != nvml.SUCCESS {
		return reading{}, fmt.Errorf("the processes: %v", nvml.ErrorString(ret))
	}
	r.pods = usesOfPods(samples, since, processes, podOf)
	return r, nil
}

// usesOfPods adds up the mean utilization of each process since then, and its memory, for the pod that it runs in.
func usesOfPods(samples []nvml.ProcessUtilizationSample, since uint64, processes []nvml.ProcessInfo, podOf func(uint32) string) map[string]podUse {
	sum, count := map[uint32]int64{}, map[uint32]int64{}
	for _, sample := range samples {
		// NVML pads its answer with empty entries, and repeats old ones.
		if sample.Pid != 0 && sample.TimeStamp >= since && sample.SmUtil <= 100 {
			sum[sample.Pid] += int64(sample.SmUtil)
			count[sample.Pid]++
		}
	}
	pods := map[string]podUse{}
	for pid, total := range sum {
		if uid := podOf(pid); uid != "" {
			use := pods[uid]
			use.utilization = min(100, use.utilization+total/count[pid])
			pods[uid] = use
		}
	}
	for _, process := range processes {
		// NVML returns the largest number where it cannot attribute memory to a process.
		if uid := podOf(process.Pid); uid != "" && process.UsedGpuMemory < 1<<50 {
			use := pods[uid]
			use.used += int64(process.UsedGpuMemory >> 20)
			pods[uid] = use
		}
	}
	return pods
}
