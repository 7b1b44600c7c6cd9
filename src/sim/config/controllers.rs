//! Configuration of nodes, pods and controllers, their faults, and injections.

use super::hpa_controller::HpaControllerConfig;
use crate::units::HumanDuration;

/// Configuration of nodes, pods and controllers. The default is a healthy cluster.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// Number of nodes with accelerators.
    pub accelerator_nodes: usize,
    /// Number of accelerators on each of them.
    pub accelerators_per_node: usize,
    /// Number of devices that the device plugin offers for each accelerator; above 1 with time-slicing.
    pub devices_per_accelerator: usize,
    /// How the nodes offer the accelerators.
    pub offer: AcceleratorOffer,
    /// The accelerators of a node are MIG instances, which its device plugin offers by this strategy. A scenario that requests
    /// `nvidia.com/mig-*` has instances of the strategy `mixed` without it.
    pub(crate) mig: Option<MigStrategy>,
    /// Number of nodes without accelerators.
    pub cpu_nodes: usize,
    /// Namespaces that exist before a run, besides those of the cluster and of the scenario.
    pub extra_namespaces: Vec<String>,
    /// The name and spec of a ScaledObject that exists before a run in the scenario's namespace, with its HPA.
    pub scaled_object: Option<(String, serde_json::Value)>,
    /// Fault: an admission plugin removes the extended resources from every pod.
    pub strips_accelerators: bool,
    /// Longest time in which a controller reacts to a change.
    pub max_reaction_delay: HumanDuration,
    /// From the creation of a pod to its binding. This duration and the following ones vary randomly by up to 25 %.
    pub scheduling_delay: HumanDuration,
    /// Time to pull the image.
    pub image_pull: HumanDuration,
    /// Time to start the containers.
    pub container_start: HumanDuration,
    /// Time from SIGTERM to the end of the containers; at most their grace period.
    pub container_stop: HumanDuration,
    /// Time to bind a PersistentVolumeClaim.
    pub volume_binding: HumanDuration,
    /// Time until a `LoadBalancer` Service has an address.
    pub load_balancer_delay: HumanDuration,
    /// Whether kubelets report the ids of allocated devices in the pod's status (KEP-4680).
    pub reports_devices: bool,
    /// The HPA controller.
    pub hpa_controller: HpaControllerConfig,
    /// Fault: extra delay of the Deployment, ReplicaSet and StatefulSet controllers.
    pub workload_delay: HumanDuration,
    /// Fault: of the pods that request an accelerator, beyond the first of their workload.
    pub new_pod_fault: NewPodFault,
    /// Fault: a deleted namespace stays Terminating, because a finalizer in it is never removed.
    pub namespace_stuck: bool,
    /// Faults: interference and failures during a run.
    pub injections: Vec<ClusterInjection>,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            accelerator_nodes: 2,
            accelerators_per_node: 2,
            devices_per_accelerator: 1,
            offer: AcceleratorOffer::AsRequested,
            mig: None,
            cpu_nodes: 0,
            extra_namespaces: Vec::new(),
            scaled_object: None,
            strips_accelerators: false,
            max_reaction_delay: HumanDuration::from_ms(50),
            scheduling_delay: HumanDuration::from_ms(200),
            image_pull: HumanDuration::from_secs(2),
            container_start: HumanDuration::from_ms(1500),
            container_stop: HumanDuration::from_secs(1),
            volume_binding: HumanDuration::from_secs(1),
            load_balancer_delay: HumanDuration::from_secs(2),
            reports_devices: true,
            hpa_controller: HpaControllerConfig::default(),
            workload_delay: HumanDuration::from_ms(0),
            new_pod_fault: NewPodFault::None,
            namespace_stuck: false,
            injections: Vec::new(),
        }
    }
}

/// How nodes offer their accelerators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceleratorOffer {
    /// As the scenario requests them: by claims where its charts make claims, else by a device plugin.
    #[default]
    AsRequested,
    /// As extended resources, by a device plugin.
    DevicePlugin,
    /// By resource claims alone, of a DRA driver.
    DraDriver,
}

/// How NVIDIA's device plugin offers the instances of accelerators in MIG mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MigStrategy {
    /// As nvidia.com/gpu.
    Single,
    /// As nvidia.com/mig-1g.10gb, by their profile.
    Mixed,
}

/// A fault of the pods that request an accelerator, beyond the first of their workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewPodFault {
    /// They become ready.
    #[default]
    None,
    /// Their containers exit as soon as they have started.
    CrashLoop,
    /// They become ready, and their containers are killed for their use of memory later. The first one starts again at
    /// once, later ones after the kubelet's back-off; each of them is ready for a moment.
    KilledAfterReady {
        /// From ready to the first kill.
        after: HumanDuration,
        /// Number of kills; the container that starts after the last one stays.
        kills: u32,
    },
    /// Their image cannot be pulled.
    ImagePullFailure,
    /// Their containers run, but never pass the readiness probe.
    NeverReady,
    /// They pass the readiness probe this much later.
    ReadyLate(HumanDuration),
    /// They are bound to a node without accelerators, and get no device. Such a node is added to the cluster.
    WrongNode,
    /// They never terminate after their deletion.
    NeverTerminates,
}

/// A single interference or failure during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterInjection {
    /// When it happens.
    pub time: InjectionTime,
    /// What happens.
    pub action: InjectionAction,
}

/// A time relative to a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InjectionTime {
    /// The trigger.
    pub trigger: InjectionTrigger,
    /// Delay after the trigger.
    pub after: HumanDuration,
}

/// An event of the run that the cluster can observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionTrigger {
    /// The simulation starts.
    Start,
    /// The first HPA is created.
    HpaCreated,
    /// The replicas of the target of an HPA increase for the first time.
    FirstScaleUp,
    /// They decrease for the first time.
    FirstScaleDown,
}

/// An interference or failure. "The target" is the scale target of the first HPA of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionAction {
    /// kubectl changes the replicas of the target by this number, through the scale subresource.
    PatchScale(i32),
    /// kubectl changes the replicas of the target by this number, in the workload itself.
    PatchWorkload(i32),
    /// kubectl creates a second HPA for the target.
    SecondHpa,
    /// kubectl creates a second ScaledObject for the target, of which KEDA makes a second HPA.
    SecondScaledObject,
    /// kube-controller-manager restarts: its Lease has another holder, and the HPA controller loses its state in memory.
    ManagerRestart,
    /// The kubelets restart: the target's pods with accelerators are not ready for this long.
    KubeletRestart(HumanDuration),
    /// The node of the target's newest pod is lost: its pods stop responding, are not ready after 50 s, are deleted after
    /// another 300 s, and never terminate.
    NodeLost,
    /// `kubectl drain` of the node of the target's newest pod, which is made schedulable again after this long.
    NodeDrained(HumanDuration),
    /// Pods of another tenant take this many of the free accelerators.
    TenantPods(usize),
}
