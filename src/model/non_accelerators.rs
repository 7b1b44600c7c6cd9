//! What pods request beside accelerators: extended resources and DRA drivers of networks, virtualization, storage and
//! others. With `accelerator: auto` every other extended resource counts, since vendors name theirs as they like.
//!
//! Each row cites where the name is from: a repository, or the page of a project's documentation.

/// A part of the names of extended resources, with what they are.
struct ResourcePattern {
    pattern: NamePattern,
    kind: &'static str,
}

/// What a name must have.
enum NamePattern {
    /// The domain before the slash.
    Domain(&'static str),
    /// The end of the domain before the slash.
    DomainEnd(&'static str),
    /// The whole name.
    Name(&'static str),
    /// The beginning of the whole name.
    Prefix(&'static str),
    /// The part behind the slash, with or without a number at its end.
    Device(&'static str),
    /// A word in the part behind the slash.
    Word(&'static str),
    /// The end of the part behind the slash.
    DeviceEnd(&'static str),
}

const NETWORK: &str = "a network interface";
const RDMA: &str = "an RDMA device of a network";
const VIRTUALIZATION: &str = "a device for virtual machines";
const FUSE: &str = "a device for file systems";
const STORAGE: &str = "storage";
const ENCLAVE: &str = "a security enclave";
const CRYPTO: &str = "a device for encryption and compression";
const DATA_MOVER: &str = "a device that moves data";
const CPU: &str = "a share of CPUs";
const SHARE: &str = "an amount of a device, not a device";
const MONITORING: &str = "access for monitoring";
const PERIPHERAL: &str = "a peripheral";

const fn row(pattern: NamePattern, kind: &'static str) -> ResourcePattern {
    ResourcePattern { pattern, kind }
}

/// The first row that a name matches says what it is.
static RESOURCES: &[ResourcePattern] = &[
    // aws/amazon-vpc-resource-controller-k8s: pod-eni, PrivateIPv4Address; aws/aws-efa-k8s-device-plugin: efa.
    row(NamePattern::Domain("vpc.amazonaws.com"), NETWORK),
    // Mellanox/k8s-rdma-shared-dev-plugin: rdma/hca_shared_devices_a; Azure and GKE use the same domain.
    row(NamePattern::Domain("rdma"), RDMA),
    // GKE, multi-network support for Pods: networking.gke.io.networks/NAME and NAME.IP.
    row(NamePattern::Domain("networking.gke.io.networks"), NETWORK),
    row(NamePattern::DomainEnd("networking.gke.io"), NETWORK),
    // kubevirt/bridge-marker, k8snetworkplumbingwg/ovs-cni, kubevirt/macvtap-cni.
    row(NamePattern::DomainEnd("network.kubevirt.io"), NETWORK),
    // AliyunContainerService/terway: aliyun/eni, aliyun/member-eni, aliyun/erdma.
    row(NamePattern::Domain("aliyun"), NETWORK),
    // TencentCloud/tencentcloud-network: tke.cloud.tencent.com/eni-ip, direct-eni.
    row(NamePattern::Prefix("tke.cloud.tencent.com/eni"), NETWORK),
    row(NamePattern::Prefix("tke.cloud.tencent.com/direct-eni"), NETWORK),
    // openshift/sriov-network-operator registers its pools in this domain; nothing else of OpenShift does.
    row(NamePattern::Domain("openshift.io"), NETWORK),
    row(NamePattern::Domain("mellanox.com"), NETWORK),
    // k8snetworkplumbingwg/sriov-network-device-plugin: intel.com/intel_sriov_netdevice, names are the user's;
    // Mellanox/network-operator: nvidia.com/hostdev, nvidia.com/rdma_shared_device_a.
    row(NamePattern::Word("sriov"), NETWORK),
    row(NamePattern::Word("netdevice"), NETWORK),
    row(NamePattern::Word("hostdev"), NETWORK),
    row(NamePattern::Word("eni"), NETWORK),
    row(NamePattern::Word("nic"), NETWORK),
    row(NamePattern::Word("dpdk"), NETWORK),
    row(NamePattern::Word("rdma"), RDMA),
    row(NamePattern::Word("roce"), RDMA),
    row(NamePattern::Word("infiniband"), RDMA),
    row(NamePattern::Word("hca"), RDMA),
    row(NamePattern::Word("efa"), NETWORK),
    // kubevirt/kubevirt: kvm, tun, vhost-net, sev; host devices and vGPUs have the domains of their vendors.
    row(NamePattern::Domain("devices.kubevirt.io"), VIRTUALIZATION),
    // squat/generic-device-plugin (squat.ai/...), smarter-project/smarter-device-manager (smarter-devices/...): device files
    // under a name of the user's; a GPU may be one of them, these are not.
    row(NamePattern::Device("kvm"), VIRTUALIZATION),
    row(NamePattern::Device("tun"), VIRTUALIZATION),
    row(NamePattern::Device("vhost-net"), VIRTUALIZATION),
    row(NamePattern::Device("vhost-vsock"), VIRTUALIZATION),
    row(NamePattern::Device("fuse"), FUSE),
    row(NamePattern::Device("loop"), FUSE),
    row(NamePattern::Device("snd"), PERIPHERAL),
    row(NamePattern::Device("audio"), PERIPHERAL),
    row(NamePattern::Device("video"), PERIPHERAL),
    row(NamePattern::Device("serial"), PERIPHERAL),
    row(NamePattern::Device("capture"), PERIPHERAL),
    row(NamePattern::Device("ttyUSB"), PERIPHERAL),
    row(NamePattern::Device("ttyACM"), PERIPHERAL),
    row(NamePattern::Device("i2c-"), PERIPHERAL),
    row(NamePattern::Device("gpiochip"), PERIPHERAL),
    row(NamePattern::Device("tpm"), ENCLAVE),
    row(NamePattern::Word("hugepages"), "memory"),
    row(NamePattern::Word("hugepage"), "memory"),
    // project-akri/akri: a broker's instances of cameras and other leaf devices.
    row(NamePattern::Domain("akri.sh"), PERIPHERAL),
    // topolvm/topolvm: its webhook adds topolvm.io/capacity to pods with a volume.
    row(NamePattern::Domain("topolvm.io"), STORAGE),
    row(NamePattern::Domain("topolvm.cybozu.com"), STORAGE),
    // intel/intel-device-plugins-for-kubernetes: sgx.intel.com, qat.intel.com, dsa.intel.com, iaa.intel.com, dlb.intel.com; of
    // the GPU plugin i915_monitoring and xe_monitoring, millicores, memory.max and tiles.
    row(NamePattern::Domain("sgx.intel.com"), ENCLAVE),
    row(NamePattern::Domain("qat.intel.com"), CRYPTO),
    row(NamePattern::Domain("dsa.intel.com"), DATA_MOVER),
    row(NamePattern::Domain("iaa.intel.com"), DATA_MOVER),
    row(NamePattern::Domain("dlb.intel.com"), DATA_MOVER),
    row(NamePattern::DeviceEnd("_monitoring"), MONITORING),
    row(NamePattern::Name("gpu.intel.com/millicores"), SHARE),
    row(NamePattern::Name("gpu.intel.com/memory.max"), SHARE),
    row(NamePattern::Name("gpu.intel.com/tiles"), SHARE),
    // Project-HAMi/HAMi: amounts of memory and cores beside the resource that counts devices.
    row(NamePattern::DeviceEnd("gpumem"), SHARE),
    row(NamePattern::DeviceEnd("gpumem-percentage"), SHARE),
    row(NamePattern::DeviceEnd("gpucores"), SHARE),
    // volcano-sh/devices: volcano.sh/vgpu-number counts, these two are amounts.
    row(NamePattern::Name("volcano.sh/vgpu-memory"), SHARE),
    row(NamePattern::Name("volcano.sh/vgpu-cores"), SHARE),
    // intel/CPU-Manager-for-Kubernetes; intel/kubernetes-power-manager.
    row(NamePattern::Domain("cmk.intel.com"), CPU),
    row(NamePattern::Domain("power.intel.com"), CPU),
    // aws/aws-nitro-enclaves-k8s-device-plugin.
    row(NamePattern::Domain("aws.ec2.nitro"), ENCLAVE),
];

/// DRA drivers of accelerators: kubernetes-sigs/dra-driver-nvidia-gpu, ROCm/k8s-gpu-dra-driver,
/// intel/intel-resource-drivers-for-kubernetes (GPU and Gaudi), Google's TPU driver, AWS Neuron's.
const ACCELERATOR_DRIVERS: &[&str] =
    &["gpu.nvidia.com", "gpu.amd.com", "gpu.intel.com", "gaudi.intel.com", "tpu.google.com", "neuron.aws.com"];

/// DRA drivers of other devices: kubernetes-sigs/dranet, k8snetworkplumbingwg/dra-driver-sriov,
/// kubernetes-sigs/dra-driver-cpu, kubernetes-sigs/dra-driver-nvidia-gpu (compute domains are channels between nodes),
/// intel/intel-resource-drivers-for-kubernetes (QAT).
const OTHER_DRIVERS: &[(&str, &str)] = &[
    ("dra.net", NETWORK),
    ("sriovnetwork.k8snetworkplumbingwg.io", NETWORK),
    ("dra.cpu", CPU),
    ("dra.memory", "memory"),
    ("compute-domain.nvidia.com", "a channel between nodes"),
    ("qat.intel.com", CRYPTO),
];

/// What a DRA driver allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverKind {
    /// Accelerators.
    Accelerator,
    /// Something else, for example a network interface.
    Other(&'static str),
    /// Not known.
    Unknown,
}

impl DriverKind {
    /// The kind of the driver of this name.
    #[must_use]
    pub(crate) fn from_driver(driver: &str) -> Self {
        if ACCELERATOR_DRIVERS.contains(&driver) {
            return Self::Accelerator;
        }
        OTHER_DRIVERS.iter().find(|(name, _)| *name == driver).map_or(Self::Unknown, |(_, kind)| Self::Other(kind))
    }
}

/// What an extended resource is that is known to be no accelerator; `None` for any other.
#[must_use]
pub(crate) fn non_accelerator_kind(resource: &str) -> Option<&'static str> {
    let (domain, device) = resource.split_once('/')?;
    let matches = |row: &&ResourcePattern| match row.pattern {
        NamePattern::Domain(name) => domain == name,
        NamePattern::DomainEnd(end) => {
            domain.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        NamePattern::Name(name) => resource == name,
        NamePattern::Prefix(start) => resource.starts_with(start),
        NamePattern::Device(name) => {
            device.strip_prefix(name).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
        }
        NamePattern::Word(word) => words(device).any(|part| part == word),
        NamePattern::DeviceEnd(end) => device.ends_with(end),
    };
    RESOURCES.iter().find(matches).map(|row| row.kind)
}

/// The words of a name: `intel_sriov_netdevice` has three. Digits at the end of a word do not count.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_networks_machines_and_file_systems_are_no_accelerators() {
        for name in [
            "vpc.amazonaws.com/pod-eni",
            "vpc.amazonaws.com/efa",
            "rdma/hca_shared_devices_a",
            "rdma/ib",
            "networking.gke.io.networks/rdma-0.IP",
            "bridge.network.kubevirt.io/br1",
            "intel.com/intel_sriov_netdevice",
            "intel.com/sriov",
            "openshift.io/mlxnics",
            "mellanox.com/cx5_port1",
            "nvidia.com/hostdev",
            "nvidia.com/rdma_shared_device_a",
            "aliyun/member-eni",
            "tke.cloud.tencent.com/eni-ip",
            "devices.kubevirt.io/kvm",
            "smarter-devices/fuse",
            "smarter-devices/video0",
            "github.com/fuse",
            "squat.ai/tun",
            "topolvm.io/capacity",
            "sgx.intel.com/epc",
            "qat.intel.com/cy",
            "gpu.intel.com/i915_monitoring",
            "nvidia.com/gpumem",
            "nvidia.com/gpucores",
            "example.com/hugepages-2Mi",
        ] {
            assert!(non_accelerator_kind(name).is_some(), "{name}");
        }
    }

    #[test]
    fn accelerators_of_any_vendor_are_not_in_the_table() {
        for name in [
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/mig-1g.10gb",
            "nvidia.com/TU104GL_Tesla_T4",
            "amd.com/gpu",
            "gpu.intel.com/i915",
            "gpu.intel.com/xe",
            "habana.ai/gaudi",
            "google.com/tpu",
            "aws.amazon.com/neuron",
            "aws.amazon.com/neuroncore",
            "huawei.com/Ascend910",
            "cambricon.com/mlu",
            "fpga.intel.com/af-d8424dc4a4a3c413f89e433683f9040b",
            "xilinx.com/fpga-xilinx_u200",
            "smarter-devices/nvhost-gpu",
            "tencent.com/vcuda-core",
            "example.com/video-encoder",
            "k8s.amazonaws.com/vgpu",
            "aliyun.com/gpu-mem",
            "tencent.com/gpu",
        ] {
            assert_eq!(non_accelerator_kind(name), None, "{name}");
        }
    }

    #[test]
    fn a_driver_is_of_accelerators_of_something_else_or_unknown() {
        assert_eq!(DriverKind::from_driver("gpu.nvidia.com"), DriverKind::Accelerator);
        assert_eq!(DriverKind::from_driver("dra.net"), DriverKind::Other(NETWORK));
        assert_eq!(DriverKind::from_driver("gpu.example.com"), DriverKind::Unknown);
    }
}
