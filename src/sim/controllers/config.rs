//! Nodes, pods and controllers in numbers, and what can be wrong with them.

use crate::units::HumanDuration;

/// Nodes, pods and controllers in numbers. The default is a healthy cluster.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// Number of nodes with accelerators.
    pub accelerator_nodes: usize,
    /// Number of accelerators on each of them.
    pub accelerators_per_node: usize,
    /// Number of devices that each accelerator is offered as: above 1 it is shared by time.
    pub devices_per_accelerator: usize,
    /// Number of nodes without accelerators.
    pub cpu_nodes: usize,
    /// Namespaces that stand before anybody does anything, besides those of the cluster itself.
    pub extra_namespaces: Vec<String>,
    /// Fault: an admission plugin takes the requests for accelerators off every pod.
    pub strips_accelerators: bool,
    /// How long a controller takes at most to act on a change.
    pub max_reaction_delay: HumanDuration,
    /// From a new pod to its node. This and the spans below are met within a quarter, by chance.
    pub scheduling_delay: HumanDuration,
    /// From the node to the image.
    pub image_pull: HumanDuration,
    /// From the image to running containers.
    pub container_start: HumanDuration,
    /// How long containers take to stop once they are told to; never longer than their grace period.
    pub container_stop: HumanDuration,
    /// From a claim to its volume.
    pub volume_binding: HumanDuration,
    /// From a `LoadBalancer` Service to its address.
    pub load_balancer_delay: HumanDuration,
    /// Whether kubelets report the ids of allocated devices in the pod's status (KEP-4680).
    pub reports_devices: bool,
    /// The HPA controller.
    pub hpa_controller: HpaControllerConfig,
    /// Fault: the Deployment and StatefulSet controllers act that much later.
    pub workload_delay: HumanDuration,
    /// Fault: what is wrong with pods that take an accelerator, beyond the first of their workload.
    pub new_pod_fault: NewPodFault,
    /// Fault: a namespace that is deleted stays, for a finalizer that nobody takes away.
    pub namespace_stuck: bool,
    /// Faults: what others do to the cluster in the middle of a run.
    pub injections: Vec<ClusterInjection>,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            accelerator_nodes: 2,
            accelerators_per_node: 2,
            devices_per_accelerator: 1,
            cpu_nodes: 0,
            extra_namespaces: Vec::new(),
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

/// The HPA controller in numbers.
#[derive(Clone, Debug)]
pub struct HpaControllerConfig {
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub sync_period: HumanDuration,
    /// `--horizontal-pod-autoscaler-tolerance`, a fraction.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub downscale_stabilization: HumanDuration,
    /// Fault: it does not do what it should.
    pub fault: HpaFault,
    /// Fault: its events are lost.
    pub events_lost: bool,
}

impl Default for HpaControllerConfig {
    fn default() -> Self {
        Self {
            sync_period: HumanDuration::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: HumanDuration::from_secs(300),
            fault: HpaFault::None,
            events_lost: false,
        }
    }
}

/// How the HPA controller behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HpaFault {
    /// As Kubernetes 1.37 does.
    #[default]
    None,
    /// It does not run.
    Off,
    /// It makes no pass any more after so many.
    StuckAfter(u32),
    /// It makes no pass any more after its first rise.
    StopsAfterScaleUp,
    /// It never lowers a size.
    NeverScalesDown,
    /// It never raises a size.
    NeverScalesUp,
    /// It adds a replica by itself, by CPU as it says, so long after its first pass, and only once.
    SpuriousScaleUp(HumanDuration),
    /// So long after it has first raised a size, it takes a replica away and adds it again, pass by pass.
    FlapsAfter(HumanDuration),
    /// It keeps only so much of the stated scale-down stabilization window, percent.
    StabilizationPercent(i32),
    /// It raises to so many more than maxReplicas.
    ExceedsMax(i32),
}

/// What becomes of pods that take an accelerator, beyond the first of their workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewPodFault {
    /// They serve.
    #[default]
    None,
    /// Their containers end as soon as they run.
    CrashLoop,
    /// Their image cannot be pulled.
    ImagePullFailure,
    /// Their containers run, but never pass the readiness probe.
    NeverReady,
    /// They pass the readiness probe that much later.
    ReadyLate(HumanDuration),
    /// They land on a node without an accelerator, and get none. Such a node is added to the cluster.
    WrongNode,
    /// They never end when they are deleted.
    NeverTerminates,
}

/// Something that others do to the cluster, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterInjection {
    /// When.
    pub time: InjectionTime,
    /// What.
    pub action: InjectionAction,
}

/// So long after a moment of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InjectionTime {
    /// The moment.
    pub trigger: InjectionTrigger,
    /// How long after it.
    pub after: HumanDuration,
}

/// A moment of the run, as the cluster can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionTrigger {
    /// The simulation begins.
    Start,
    /// The first HPA is created.
    HpaCreated,
    /// The size of an HPA's target rises for the first time.
    FirstScaleUp,
    /// It falls for the first time.
    FirstScaleDown,
}

/// What others do. "The target" is that of the first HPA of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionAction {
    /// Somebody changes the target's size by so much with kubectl, through the scale subresource.
    PatchScale(i32),
    /// Somebody changes the target's size by so much with kubectl, in the workload itself.
    PatchWorkload(i32),
    /// Somebody makes a second HPA for the target.
    SecondHpa,
    /// The controller manager starts anew: another holder of the Lease, and the HPA controller has forgotten everything.
    ManagerRestart,
    /// The kubelets start anew: the pods that hold accelerators are not ready for so long.
    KubeletRestart(HumanDuration),
    /// The node of the target's newest pod is lost: its pods do not answer any more, 50 s later they are not ready, 300 s
    /// after that they are told to go, and never do.
    NodeLost,
    /// Another tenant's pods take so many accelerators of those that are free.
    TenantPods(usize),
}
