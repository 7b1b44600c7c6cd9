package resourceslices

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

const answer = `{"kind": "ResourceSliceList", "apiVersion": "resource.k8s.io/v1", "items": [{"spec": {
  "driver": "gpu.rig.local", "nodeName": "n1", "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1},
  "devices": [{"name": "gpu-0", "attributes": {"type": {"string": "gpu"}, "uuid": {"string": "GPU-a"}}},
              {"name": "odd", "attributes": {"index": {"int": 3}}}]}}]}`

func TestADeviceHasTheUUIDOfItsSlice(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		w.Write([]byte(answer))
	}))
	defer server.Close()
	client := New(server.URL, token, http.DefaultTransport)
	uuids, err := client.UUIDs(context.Background())
	if err != nil || len(uuids) != 1 || uuids[Device{"gpu.rig.local", "n1", "gpu-0"}] != "GPU-a" {
		t.Fatal(uuids, err)
	}
	os.WriteFile(token, []byte("old"), 0o600)
	if _, err := New(server.URL, token, http.DefaultTransport).UUIDs(context.Background()); err == nil {
		t.Fatal("a refused request gave an answer")
	}
	if uuids, err = client.UUIDs(context.Background()); err != nil || len(uuids) != 1 {
		t.Fatal("what was known is lost", uuids, err)
	}
}
