//! Nodes, pods and controllers in numbers, and what can be wrong with them.

use crate::units::Span;

/// Nodes, pods and controllers in numbers. The default is a healthy cluster.
#[derive(Clone, Debug)]
pub struct ControllerSetting {
    /// Number of nodes with accelerators.
    pub nodes: usize,
    /// Number of accelerators on each of them.
    pub accelerators: usize,
    /// Number of devices that each accelerator is offered as: above 1 it is shared by time.
    pub shared_by: usize,
    /// Number of nodes without accelerators.
    pub cpu_nodes: usize,
    /// Namespaces that stand before anybody does anything, besides those of the cluster itself.
    pub namespaces: Vec<String>,
    /// Fault: an admission plugin takes the requests for accelerators off every pod.
    pub strips_accelerators: bool,
    /// How long a controller takes at most to act on a change.
    pub reaction: Span,
    /// From a new pod to its node. This and the spans below are met within a quarter, by chance.
    pub schedule: Span,
    /// From the node to the image.
    pub pull: Span,
    /// From the image to running containers.
    pub start: Span,
    /// How long containers take to stop once they are told to; never longer than their grace period.
    pub stop: Span,
    /// From a claim to its volume.
    pub volume: Span,
    /// From a `LoadBalancer` Service to its address.
    pub balancer: Span,
    /// Whether kubelets report the ids of allocated devices in the pod's status (KEP-4680).
    pub reports_devices: bool,
    /// The HPA controller.
    pub autoscaler: AutoscalerSetting,
    /// Fault: the Deployment and StatefulSet controllers act that much later.
    pub workload_delay: Span,
    /// Fault: what is wrong with pods that take an accelerator, beyond the first of their workload.
    pub new_pods: NewPods,
    /// Fault: a namespace that is deleted stays, for a finalizer that nobody takes away.
    pub namespace_stuck: bool,
    /// Faults: what others do to the cluster in the middle of a run.
    pub mishaps: Vec<Mishap>,
}

impl Default for ControllerSetting {
    fn default() -> Self {
        Self {
            nodes: 2,
            accelerators: 2,
            shared_by: 1,
            cpu_nodes: 0,
            namespaces: Vec::new(),
            strips_accelerators: false,
            reaction: Span::from_ms(50),
            schedule: Span::from_ms(200),
            pull: Span::from_secs(2),
            start: Span::from_ms(1500),
            stop: Span::from_secs(1),
            volume: Span::from_secs(1),
            balancer: Span::from_secs(2),
            reports_devices: true,
            autoscaler: AutoscalerSetting::default(),
            workload_delay: Span::from_ms(0),
            new_pods: NewPods::Healthy,
            namespace_stuck: false,
            mishaps: Vec::new(),
        }
    }
}

/// The HPA controller in numbers.
#[derive(Clone, Debug)]
pub struct AutoscalerSetting {
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub sync_period: Span,
    /// `--horizontal-pod-autoscaler-tolerance`, a fraction.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub downscale_stabilization: Span,
    /// Fault: it does not do what it should.
    pub behaves: Behaves,
    /// Fault: its events are lost.
    pub events_lost: bool,
}

impl Default for AutoscalerSetting {
    fn default() -> Self {
        Self {
            sync_period: Span::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: Span::from_secs(300),
            behaves: Behaves::Lawfully,
            events_lost: false,
        }
    }
}

/// How the HPA controller behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaves {
    /// As Kubernetes 1.37 does.
    #[default]
    Lawfully,
    /// It does not run.
    Off,
    /// It makes no pass any more after so many.
    StuckAfter(u32),
    /// It makes no pass any more after its first rise.
    StopsAfterRise,
    /// It never lowers a size.
    NeverDown,
    /// It never raises a size.
    NeverUp,
    /// It adds a replica by itself, by CPU as it says, so long after its first pass, and only once.
    Alone(Span),
    /// So long after it has first raised a size, it takes a replica away and adds it again, pass by pass.
    FlapsAfter(Span),
    /// It keeps only so much of the stated scale-down stabilization window, percent.
    WindowPercent(i32),
    /// It raises to so many more than maxReplicas.
    BeyondMax(i32),
}

/// What becomes of pods that take an accelerator, beyond the first of their workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewPods {
    /// They serve.
    #[default]
    Healthy,
    /// Their containers end as soon as they run.
    CrashLoop,
    /// Their image cannot be pulled.
    NoImage,
    /// Their containers run, but never pass the readiness probe.
    NeverReady,
    /// They pass the readiness probe that much later.
    Late(Span),
    /// They land on a node without an accelerator, and get none. Such a node is added to the cluster.
    WrongNode,
    /// They never end when they are deleted.
    Unending,
}

/// Something that others do to the cluster, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// When.
    pub when: When,
    /// What.
    pub what: What,
}

/// So long after a moment of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The moment.
    pub moment: Moment,
    /// How long after it.
    pub after: Span,
}

/// A moment of the run, as the cluster can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The simulation begins.
    Start,
    /// The first HPA is created.
    AutoscalerMade,
    /// The size of an HPA's target rises for the first time.
    FirstRise,
    /// It falls for the first time.
    FirstFall,
}

/// What others do. "The target" is that of the first HPA of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody changes the target's size by so much with kubectl, through the scale subresource.
    Scales(i32),
    /// Somebody changes the target's size by so much with kubectl, in the workload itself.
    Edits(i32),
    /// Somebody makes a second HPA for the target.
    SecondAutoscaler,
    /// The controller manager starts anew: another holder of the Lease, and the HPA controller has forgotten everything.
    ManagerRestart,
    /// The kubelets start anew: the pods that hold accelerators are not ready for so long.
    KubeletRestart(Span),
    /// The node of the target's newest pod is lost: its pods do not answer any more, 50 s later they are not ready, 300 s
    /// after that they are told to go, and never do.
    NodeLost,
    /// Another tenant's pods take so many accelerators of those that are free.
    Tenant(usize),
}
