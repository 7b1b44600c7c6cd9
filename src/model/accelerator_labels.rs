//! Node labels about accelerators, as feature discovery and providers write them: which of them are recorded, and which ones name
//! the model, the way of sharing and MIG.
//!
//! Sources, beside the vendors' feature discovery:
//! - GKE: cloud.google.com/kubernetes-engine/docs/concepts/timesharing-gpus (`gke-gpu-sharing-strategy`,
//!   `gke-max-shared-clients-per-gpu`) and docs/how-to/gpus-multi (`gke-gpu-partition-size`, `gke-accelerator`).
//! - Karpenter on AWS: aws/karpenter-provider-aws, pkg/apis/v1/labels.go. The memory is that of one GPU, in MiB.
//! - EKS Auto Mode: docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html, with the same names in a domain of its own.
//! - The cluster autoscaler on AWS: kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws (`k8s.amazonaws.com/accelerator`).
//! - AKS: learn.microsoft.com/azure/architecture/aws-professional/eks-to-aks/node-pools (`kubernetes.azure.com/accelerator`, of
//!   which the value is the vendor), and Azure/karpenter-provider-azure (`karpenter.azure.com/sku-gpu-*`).

/// Prefixes of the labels that are recorded.
const RECORDED: &[&str] = &[
    "nvidia.com/",
    "amd.com/",
    "gpu.intel.com/",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-gpu",
    MAX_SHARED_CLIENTS,
    "k8s.amazonaws.com/accelerator",
    "karpenter.k8s.aws/instance-gpu",
    "karpenter.k8s.aws/instance-accelerator",
    "eks.amazonaws.com/instance-gpu",
    "karpenter.azure.com/sku-gpu",
    "kubernetes.azure.com/accelerator",
    "node.kubernetes.io/instance-type",
];

/// Labels below these prefixes that say what an operator deploys, and nothing about an accelerator.
const OF_DEPLOYMENTS: &[&str] = &["nvidia.com/gpu.deploy.", "nvidia.com/gpu-driver-upgrade"];

/// The labels that name the model, the most specific first.
pub(super) const PRODUCT: &[&str] = &[
    "nvidia.com/gpu.product",
    "amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator",
    "k8s.amazonaws.com/accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.azure.com/sku-gpu-name",
    "kubernetes.azure.com/accelerator",
];

/// The strategy by which GKE shares each GPU of a node.
pub(super) const SHARING_STRATEGY: &str = "cloud.google.com/gke-gpu-sharing-strategy";
/// As how many devices GKE offers each of them.
pub(super) const MAX_SHARED_CLIENTS: &str = "cloud.google.com/gke-max-shared-clients-per-gpu";
/// The profile of the MIG instances that GKE offers as nvidia.com/gpu, such as `1g.5gb`.
pub(super) const PARTITION_SIZE: &str = "cloud.google.com/gke-gpu-partition-size";

/// Ends of the labels of feature discovery about model, sharing and MIG.
const FEATURE_WORDS: &[&str] = &[
    "gpu.product",
    "gpu.product-name",
    "gpu.device-id",
    "gpu.sharing-strategy",
    "gpu.replicas",
    "mig.strategy",
    "mig.config",
];

/// Whether a node's label is recorded.
#[must_use]
pub(crate) fn is_recorded(name: &str) -> bool {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    begins(RECORDED) && !begins(OF_DEPLOYMENTS)
}

/// Whether a label states the model, the way of sharing or MIG.
#[must_use]
pub(crate) fn is_about_devices(name: &str) -> bool {
    let of_gke = [SHARING_STRATEGY, MAX_SHARED_CLIENTS, PARTITION_SIZE];
    PRODUCT.contains(&name) || of_gke.contains(&name) || FEATURE_WORDS.iter().any(|word| name.ends_with(word))
}

/// Whether a label with this value states that several pods may share one device.
#[must_use]
pub(crate) fn states_sharing(name: &str, value: &str) -> bool {
    let is_number_above_1 = || value.parse::<u32>().is_ok_and(|number| number > 1);
    match name {
        MAX_SHARED_CLIENTS => is_number_above_1(),
        _ if name.ends_with("sharing-strategy") => value != "none",
        _ => name.ends_with("gpu.replicas") && is_number_above_1(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_each_provider_are_recorded_and_those_of_deployments_are_not() {
        for name in [
            "nvidia.com/gpu.product",
            "cloud.google.com/gke-gpu-partition-size",
            "cloud.google.com/gke-max-shared-clients-per-gpu",
            "karpenter.k8s.aws/instance-gpu-memory",
            "karpenter.k8s.aws/instance-accelerator-name",
            "eks.amazonaws.com/instance-gpu-count",
            "karpenter.azure.com/sku-gpu-name",
            "kubernetes.azure.com/accelerator",
        ] {
            assert!(is_recorded(name), "{name}");
        }
        for name in ["nvidia.com/gpu.deploy.driver", "kubernetes.azure.com/agentpool", "karpenter.k8s.aws/instance-cpu"]
        {
            assert!(!is_recorded(name), "{name}");
        }
        assert!(PRODUCT.iter().all(|name| is_recorded(name) && is_about_devices(name)));
    }

    #[test]
    fn sharing_is_stated_by_a_strategy_or_a_number_above_one() {
        for (name, value, expected) in [
            ("nvidia.com/gpu.sharing-strategy", "mps", true),
            ("nvidia.com/gpu.sharing-strategy", "none", false),
            ("nvidia.com/gpu.replicas", "4", true),
            ("nvidia.com/gpu.replicas", "1", false),
            (SHARING_STRATEGY, "time-sharing", true),
            (MAX_SHARED_CLIENTS, "3", true),
            (MAX_SHARED_CLIENTS, "1", false),
            ("cloud.google.com/gke-accelerator", "nvidia-l4", false),
        ] {
            assert_eq!(states_sharing(name, value), expected, "{name}={value}");
        }
    }
}
