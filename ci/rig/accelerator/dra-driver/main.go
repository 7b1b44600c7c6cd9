// Command dra-driver is the DRA driver of the rig: it publishes the devices of its node in ResourceSlices, and prepares the claims
// that the scheduler allocates from them, over Kubernetes' kubeletplugin library. What the devices are, its flags say: the stand-in
// has only names and UUIDs, and a real card has device files and libraries of its driver, which a container gets by CDI.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
)

// defaultDriver is the name by which ResourceSlices, DeviceClasses and allocations name this driver.
const defaultDriver = "gpu.rig.local"

func main() {
	name := flag.String("driver", defaultDriver, "name of the driver")
	kind := flag.String("type", "gpu", "attribute `type` of each device")
	devices := flag.String("devices", "", "the devices, as NAME=UUID or NAME, separated by commas; several with one UUID share it")
	files := flag.String("files", "", "device files, as UUID=/dev/file, separated by commas")
	control := flag.String("control", "", "device files that each container with a device needs, separated by commas")
	libraries := flag.String("libraries", "", "the driver's libraries, as NAME=/path/on/the/node, separated by commas")
	cdi := flag.String("cdi", "", "the runtime's folder of CDI specifications; without it a container gets nothing but its claim")
	root := flag.String("kubelet", "/var/lib/kubelet", "the kubelet's root folder")
	flag.Parse()

	node := os.Getenv("NODE_NAME")
	if node == "" {
		log.Fatal("NODE_NAME is not set")
	}
	all, err := parseDevices(*devices)
	if err != nil {
		log.Fatal(err)
	}
	driver := &driver{name: *name, kind: *kind, node: node, devices: all, holders: map[string]string{}}
	if *cdi != "" {
		driver.cdi = &cdiFolder{
			path: *cdi, vendor: "k8s." + *name, files: pairs(*files), control: list(*control), libraries: pairs(*libraries),
		}
	}
	if err := driver.run(*root); err != nil {
		log.Fatal(err)
	}
}

// run serves the kubelet until the process is told to end.
func (d *driver) run(root string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	data := filepath.Join(root, "plugins", d.name)
	if err := os.MkdirAll(data, 0o750); err != nil {
		return err
	}
	helper, err := kubeletplugin.Start(ctx, d,
		kubeletplugin.DriverName(d.name),
		kubeletplugin.NodeName(d.node),
		kubeletplugin.KubeClient(client),
		kubeletplugin.RegistrarDirectoryPath(filepath.Join(root, "plugins_registry")),
		kubeletplugin.PluginDataDirectoryPath(data),
	)
	if err != nil {
		return err
	}
	defer helper.Stop()
	if err := helper.PublishResources(ctx, d.resources()); err != nil {
		return err
	}
	log.Printf("%s offers %d devices on node %s", d.name, len(d.devices), d.node)
	<-ctx.Done()
	return nil
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// pair is NAME=VALUE of a flag.
type pair struct{ name, value string }

func pairs(text string) []pair {
	var all []pair
	for _, entry := range list(text) {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" || value == "" {
			log.Fatalf("%q is not NAME=VALUE", entry)
		}
		all = append(all, pair{name, value})
	}
	return all
}
