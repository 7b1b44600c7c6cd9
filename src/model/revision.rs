//! What a bundle says of the program that wrote it: the format of its records, the rules of its verdict, the build.
//!
//! The *format* is the shape of the records. The *rules* are everything that turns records into a verdict and into the files
//! made from it: checks, bounds, texts. A bundle outlives the rules under which it was written, so `judge` has to tell a change of the rules
//! from a change of the bundle.

use std::sync::LazyLock;

/// The format that is written. A new key in a record raises it, or the rules: a record with a key that this build does not know
/// reads as altered unless the manifest names a later format or later rules. In format 2 a scenario had `load.options` and `load.keepAlive` instead of `load.protocol`,
/// `load.maxTokens` and `load.parameters`, and a probe had `modelSize` and `modelSizeVram`.
pub const FORMAT: u32 = 3;

/// The oldest format that is read. Every later one is read as well; format 1 was never released.
pub(crate) const OLDEST_FORMAT: u32 = 2;

/// The version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit of this build, or `unknown` where it was built without git.
pub(crate) const COMMIT: &str = env!("GPUHPA_COMMIT");

/// This build as `--version` names it: version, commit, format and rules.
pub(crate) fn build_text() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| format!("{VERSION} (commit {COMMIT}, bundle format {FORMAT}, rules {RULES})"));
    &TEXT
}

/// One revision of the rules.
#[derive(Clone, Copy, Debug)]
pub struct RulesRevision {
    /// Its number. The next one is larger by one.
    pub number: u32,
    /// The cases whose result it can change, by name. Empty where it changes texts or bounds alone.
    pub cases: &'static [&'static str],
    /// What it changed, as a sentence without its end.
    pub change: &'static str,
}

/// Every revision of the rules, oldest first. Append one with each change that can alter a byte of what is derived from
/// records; the test `derived_bytes_change_with_the_rules_alone` fails where that is forgotten.
pub(crate) const RULES_HISTORY: &[RulesRevision] = &[
    RulesRevision { number: 1, cases: &[], change: "the first rules" },
    RulesRevision {
        number: 2,
        cases: &["ScaleUp/NewPodsRunOnAccelerators", "ScaleUp/NewPodsServe"],
        change: "an Object metric that states two values has the target of its type; more labels name a device or a pod; values \
                 far out of range are no traffic; the plan states the metric; texts name no field of Ollama",
    },
    RulesRevision {
        number: 3,
        cases: &[
            "Setup/PodsRequestAccelerators",
            "Setup/MetricServed",
            "Setup/AutoscalerActive",
            "Control/IdleHolds",
            "Control/ByTheAutoscaler",
            "Control/MetricFollowsLoad",
            "ScaleUp/ReplicasRise",
            "ScaleUp/NewPodsRunOnAccelerators",
            "ScaleUp/NewPodsServe",
            "Hold/Steady",
            "ScaleDown/ReplicasFall",
            "ScaleDown/NotEarly",
            "Oracle/DecisionsExplained",
        ],
        change: "the stored HPA is held against the applied one; new pods must stay Ready and be endpoints, on devices that are \
                 told from other ones and whose sharing is named; the load must be constant; a restarted controller begins its \
                 windows anew; an interruption, a refuted assumption, a single destination and a window that no reading \
                 resolves are no FAIL",
    },
    RulesRevision {
        number: 4,
        cases: &[
            "Setup/AutoscalerActive",
            "Control/IdleHolds",
            "Control/ByTheAutoscaler",
            "Control/MetricFollowsLoad",
            "ScaleUp/ReplicasRise",
            "ScaleUp/NewPodsRunOnAccelerators",
            "ScaleUp/NewPodsServe",
            "Hold/Steady",
            "ScaleDown/ReplicasFall",
            "Oracle/DecisionsExplained",
        ],
        change: "a sample is of a pod by its namespace and time too; devices that contradict the kubelet, values that the HPA \
                 reports and that were never served, ids that may be parts of one device and a node that is lost in the hold \
                 are no PASS; each assumed time that the observations refute, and a share of few chats that the samples may \
                 have missed, is no FAIL; texts name lost pods, a clock that stepped, a status that was not read and \
                 connections that all went to one pod; OpenAI's protocol, and where its server does not say where its model \
                 is, the activity of the pod's device decides",
    },
    RulesRevision {
        number: 5,
        cases: &[
            "Setup/MetricServed",
            "Setup/AutoscalerActive",
            "Control/IdleHolds",
            "Control/ByTheAutoscaler",
            "Control/MetricFollowsLoad",
            "ScaleUp/NewPodsRunOnAccelerators",
            "ScaleUp/NewPodsServe",
            "Hold/Steady",
        ],
        change: "an adopted HPA and that of a ScaledObject are judged as an applied one; ranges and offsets of a rule count into \
                 the bounds; a metric that is 0 while a pod works is no sign of missing traffic; records of one fact are held \
                 against each other: ready replicas, the node of a series, values of the HPA's status; each cause of a missing \
                 metric or pod has its own text; the verdict has the figures of the scaling",
    },
    RulesRevision {
        number: 6,
        cases: &[
            "Setup/PodsRequestAccelerators",
            "Setup/MetricServed",
            "Setup/AutoscalerActive",
            "Control/IdleHolds",
            "Control/MetricFollowsLoad",
            "ScaleUp/NewPodsRunOnAccelerators",
            "ScaleUp/NewPodsServe",
            "Hold/Steady",
            "ScaleDown/NotEarly",
        ],
        change: "a status of the HPA whose value recommends more shows a pass of the controller; a MIG instance and a device of a \
                 resource claim are devices of their own; the first chat tells what claims are of; a fallback of KEDA is no metric; \
                 nodes that were lost, several nodes of the target, and a second ScaledObject are named; plan counts the devices of \
                 claims, and warns of a field that no instance has",
    },
    RulesRevision {
        number: 7,
        cases: &["Control/IdleHolds", "Control/MetricFollowsLoad"],
        change: "a fallback of KEDA without an event is known by its number after a failure of the trigger",
    },
    RulesRevision {
        number: 8,
        cases: &["Control/IdleHolds", "Control/MetricFollowsLoad"],
        change: "a fallback of KEDA is known by the condition of its ScaledObject, whatever its behavior, also of an adopted HPA; a \
                 value that stays the same below the target is named, and a device that shows its maximum with a loaded model",
    },
    RulesRevision {
        number: 9,
        cases: &["Control/IdleHolds", "Control/MetricFollowsLoad", "ScaleUp/ReplicasRise", "ScaleUp/NewPodsServe"],
        change: "a metric that falls with the first new pods has their start time longer to recommend enough; an interruption of the \
                 recommendation begins the bound of the scale-up anew; a server that could not be asked where its model is is told \
                 from one that does not say it; a fallback of KEDA is known by its number where its condition could not be read",
    },
    RulesRevision {
        number: 10,
        cases: &[
            "Setup/PodsRequestAccelerators",
            "Setup/MetricServed",
            "Setup/AutoscalerActive",
            "Control/MetricFollowsLoad",
            "ScaleUp/NewPodsServe",
            "ScaleDown/NotEarly",
        ],
        change: "a scale-down that no clock could show as early shows nothing; neither a target with 0 replicas nor a new pod whose \
                 server lacks memory or is busy is a FAIL; a device that is reported for several pods in turn is named where the \
                 metric is served now and then; an average over the devices of a pod, of which one works, is named; so are the \
                 profile that lists the resource of the target's pods, and the device of each of several series of a pod",
    },
];

/// The rules of this build.
pub const RULES: u32 = RULES_HISTORY[RULES_HISTORY.len() - 1].number;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_numbered_without_a_gap() {
        let numbers: Vec<u32> = RULES_HISTORY.iter().map(|one| one.number).collect();
        assert_eq!(numbers, (1..=RULES).collect::<Vec<_>>());
        assert!(RULES_HISTORY.iter().all(|one| !one.change.contains("  ")), "a lost end of a line");
    }
}
