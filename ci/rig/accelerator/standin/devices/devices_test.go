package devices

import (
	"slices"
	"testing"
)

func TestEachAllocationHasItsResourceAndIds(t *testing.T) {
	const card = "GPU-6f1d2c3a-0000-4a5b-8948-000000000000"
	for _, c := range []struct {
		allocation, resource string
		ids                  []string
	}{
		{"plugin", "nvidia.com/gpu", []string{card, "GPU-6f1d2c3a-0001-4a5b-8948-000000000001"}},
		{"time-sliced", "nvidia.com/gpu", []string{card + "::0", card + "::1"}},
		{"mig", "nvidia.com/gpu", []string{"MIG-6f1d2c3a-0000-5a5b-8948-000000000007", "MIG-6f1d2c3a-0000-5a5b-8948-000000000008"}},
		{"mig-mixed", "nvidia.com/mig-1g.10gb", []string{"MIG-6f1d2c3a-0000-5a5b-8948-000000000007", "MIG-6f1d2c3a-0000-5a5b-8948-000000000008"}},
	} {
		resource, ids, err := Offered(c.allocation, "rig-node", 2)
		if err != nil || resource != c.resource || !slices.Equal(ids, c.ids) {
			t.Errorf("%s: %s %v %v", c.allocation, resource, ids, err)
		}
	}
	_, other, err := Offered("plugin", "rig-node-2", 1)
	if err != nil || other[0] == card || len(other[0]) != len(card) {
		t.Errorf("the devices of another node are %v, %v", other, err)
	}
	if _, _, err := Offered("mps", "rig-node", 2); err == nil {
		t.Error("mps was offered")
	}
}

func TestAnInstanceIsOneOfSevenOfACardAndReplicasAreOneDevice(t *testing.T) {
	_, ids, err := Offered("mig", "rig-node", 8)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Of(ids)
	if err != nil || len(all) != 8 {
		t.Fatal(all, err)
	}
	first, last := all[0], all[7]
	if first.UUID != cardID(group("rig-node"), 0) || first.Profile != "1g.10gb" || first.Instance != "7" || first.Bus != "00000000:01:00.0" {
		t.Error(first)
	}
	if last.UUID != cardID(group("rig-node"), 1) || last.Number != 1 || last.Instance != "7" || last.ID != ids[7] {
		t.Error(last)
	}

	_, ids, err = Offered("time-sliced", "rig-node", 3)
	if err != nil {
		t.Fatal(err)
	}
	if all, err = Of(ids); err != nil || len(all) != 1 || all[0].ID != cardID(group("rig-node"), 0) || all[0].Profile != "" {
		t.Error(all, err)
	}
	if _, err := Of([]string{"GPU-of-another-plugin"}); err == nil {
		t.Error("an unknown id was read")
	}
}
