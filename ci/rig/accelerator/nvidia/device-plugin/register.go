package main

import (
	"context"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

func serve(own string, plugin *plugin) (*grpc.Server, error) {
	if err := os.Remove(own); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	listener, err := net.Listen("unix", own)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, plugin)
	go server.Serve(listener)
	return server, nil
}

// register tries until the kubelet accepts, and returns the socket it used.
func register(kubelet, own string) os.FileInfo {
	for {
		info, err := os.Stat(kubelet)
		if err == nil {
			err = registerOnce(kubelet, own)
		}
		if err == nil {
			return info
		}
		log.Print(err)
		time.Sleep(200 * time.Millisecond)
	}
}

func registerOnce(kubelet, own string) error {
	conn, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(conn).Register(ctx, &api.RegisterRequest{
		Version:      api.Version,
		Endpoint:     filepath.Base(own),
		ResourceName: resource,
	})
	return err
}

// awaitRestart returns when the kubelet made a new socket or removed ours,
// which is all that a plugin gets to see of its restart.
func awaitRestart(kubelet, own string, registered os.FileInfo) {
	for {
		time.Sleep(time.Second)
		now, err := os.Stat(kubelet)
		_, gone := os.Stat(own)
		if err != nil || gone != nil || !os.SameFile(registered, now) {
			return
		}
	}
}
