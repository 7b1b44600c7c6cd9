//! Reasons of an INCONCLUSIVE that are true of a random spec. Each row says what in the spec, the load or the platform makes
//! a reason true; a run without such a cause must pass.

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::Verdict;
use gpuhpa::sim::config::SimConfig;

/// A random run.
pub(crate) struct DrawnRun {
    /// The run in words, for a developer.
    pub(crate) text: String,
    pub(crate) scenario: Scenario,
    pub(crate) config: SimConfig,
    /// The tolerated disturbance, if any.
    pub(crate) disturbance: &'static str,
    /// The number of replicas that the run must reach.
    pub(crate) expected: i32,
    /// Target value of the metric.
    pub(crate) target: f64,
}

/// A reason: the case that gives it, words of it, and when it is true.
type TrueReason = (&'static str, &'static str, fn(&DrawnRun, &str) -> bool);

const TRUE_REASONS: &[TrueReason] = &[
    ("Control/MetricFollowsLoad", "increase the load", |run, _| !has_enough_load(run)),
    ("Control/MetricFollowsLoad", "most chats failed", |run, _| refuses_chats(run)),
    ("Control/MetricFollowsLoad", "connections went to one pod", |run, _| sends_all_to_one_pod(run)),
    ("Control/ByTheAutoscaler", "the API server's clock stepped", |run, _| run.disturbance.starts_with("clock-set")),
    ("Control/ByTheAutoscaler", "of that time was not read", |run, _| is_api_disturbed(run)),
    ("Control/ByTheAutoscaler", "could not be read any more", |run, _| is_api_disturbed(run)),
    ("ScaleUp/NewPodsRunOnAccelerators", "before the load ended", |run, _| !has_enough_load(run)),
    ("ScaleUp/NewPodsRunOnAccelerators", "refute assumptions.podStart", |run, _| has_slow_pods(run)),
    ("ScaleUp/NewPodsRunOnAccelerators", "(workload)", |run, _| has_slow_pods(run) || loses_readiness(run)),
    ("ScaleUp/ReplicasRise", "but not for", |run, _| !has_enough_load(run)),
    ("ScaleUp/ReplicasRise", "but within the bound", |run, _| has_slow_controller(run) || is_api_disturbed(run)),
    ("ScaleUp/NewPodsServe", "shows no traffic after", |run, reason| {
        let is_killed = run.disturbance == "new-pods-killed-once";
        !has_enough_load(run) || sends_all_to_one_pod(run) || has_few_connections(reason) || is_killed
    }),
    ("ScaleUp/NewPodsServe", "too soon to show its share of the traffic", |run, _| !has_enough_load(run)),
    ("ScaleUp/NewPodsServe", "(workload)", |run, _| run.disturbance.starts_with("some-")),
    ("Hold/Steady", "the load was too low to hold the size", |run, _| !has_enough_load(run)),
    ("Hold/Steady", "chats succeeded", |run, _| refuses_chats(run)),
    ("Hold/Steady", "a value between two polls or another tolerance", |run, _| !has_enough_load(run)),
    // The restarted kubelet leaves the Service without endpoints for a moment.
    ("Hold/Steady", "no request was in flight", |run, _| {
        ["kubelet-restarts", "port-refused-for-20s"].contains(&run.disturbance)
    }),
    ("Control/IdleHolds", "the metric was not read for", |run, _| is_api_disturbed(run) || is_metric_disturbed(run)),
    ("Setup/MetricServed", "the adapter or the API server failed", |run, _| is_api_disturbed(run)),
    ("Setup/AutoscalerActive", "could not be read for", |run, _| is_api_disturbed(run)),
    ("ScaleDown/NotEarly", "was not read for", |run, _| is_api_disturbed(run) || is_metric_disturbed(run)),
    ("ScaleDown/NotEarly", "twice the assumed sync period explains it", |run, _| has_slow_controller(run)),
    // A reading lasts a moment; the controller reads at other moments.
    ("ScaleDown/NotEarly", "a value between two polls may explain it", |run, _| {
        !has_enough_load(run) || has_slow_controller(run)
    }),
];

/// Whether the reason of a verdict is true of the run.
pub(crate) fn is_true_of(run: &DrawnRun, verdict: &Verdict) -> bool {
    TRUE_REASONS.iter().any(|(case, words, is_true)| {
        verdict.reason.starts_with(case) && verdict.reason.contains(words) && is_true(run, &verdict.reason)
    })
}

/// The probability that the metric recommends no further replica at a moment at which all chats are in flight, above which
/// the load is too low: a run reads the metric at some hundred moments.
const MAX_LOW_SHARE: f64 = 1e-5;

/// Whether the load keeps the pods busy enough to recommend the expected replicas at each smaller size. At a size of s, each
/// of c workers has a chat at one of s pods by chance, or is between two chats, and a pod without a chat is idle.
fn has_enough_load(run: &DrawnRun) -> bool {
    let min = run.scenario.hpa.spec.min_replicas.unwrap_or(1);
    (min..run.expected).all(|size| low_share(run, size) < MAX_LOW_SHARE)
}

/// The probability that too many of `size` pods are idle at a moment.
fn low_share(run: &DrawnRun, size: i32) -> f64 {
    let busy = run.config.ollama.busy_percent;
    let size_double = f64::from(size);
    let recommends_more = |idle: i32| busy * f64::from(size - idle) / size_double > run.target * (1.0 + tolerance(run));
    // The fewest idle pods at which it recommends no more.
    let Some(idle) = (0..=size).find(|idle| !recommends_more(*idle)) else { return 0.0 };
    if idle == 0 {
        return 1.0;
    }
    let chats = f64::from(run.scenario.load.concurrency);
    // At most the number of choices of so many pods, times the probability that these are idle.
    choose(size, idle) * (1.0 - (1.0 - pause_share(run)) * f64::from(idle) / size_double).powf(chats)
}

/// The share of its time that a worker spends between two chats, at most.
fn pause_share(run: &DrawnRun) -> f64 {
    let disturbs_chats = ["some-", "accept-", "port-", "kubelet-", "new-pods-", "api-", "watches-", "combined-"];
    if disturbs_chats.iter().any(|prefix| run.disturbance.starts_with(prefix)) { 0.5 } else { 0.05 }
}

fn tolerance(run: &DrawnRun) -> f64 {
    let up = run.scenario.hpa.spec.behavior.as_ref().and_then(|behavior| behavior.scale_up.as_ref());
    let stated = up.and_then(|rules| rules.tolerance.as_ref()).map(|quantity| match quantity.0.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<f64>().expect("a number") / 1000.0,
        None => quantity.0.parse::<f64>().expect("a number"),
    });
    stated.unwrap_or(0.1) * if run.disturbance == "tolerance-doubled" { 2.0 } else { 1.0 }
}

fn choose(of: i32, count: i32) -> f64 {
    (0..count).map(|n| f64::from(of - n) / f64::from(n + 1)).product()
}

fn has_slow_controller(run: &DrawnRun) -> bool {
    ["sync-period-doubled", "controllers-slow"].contains(&run.disturbance)
}

fn loses_readiness(run: &DrawnRun) -> bool {
    ["kubelet-restarts", "new-pods-killed-once"].contains(&run.disturbance)
}

fn refuses_chats(run: &DrawnRun) -> bool {
    run.disturbance.starts_with("some-") || run.disturbance == "port-refused-for-20s"
}

fn has_slow_pods(run: &DrawnRun) -> bool {
    run.disturbance == "pods-start-slowly"
}

fn sends_all_to_one_pod(run: &DrawnRun) -> bool {
    ["session-affinity", "source-hash"].contains(&run.disturbance)
}

fn is_api_disturbed(run: &DrawnRun) -> bool {
    ["api-", "watches-", "responses-", "combined-"].iter().any(|prefix| run.disturbance.starts_with(prefix))
}

fn is_metric_disturbed(run: &DrawnRun) -> bool {
    ["adapter-", "store-", "metric-404", "relist-"].iter().any(|prefix| run.disturbance.starts_with(prefix))
}

/// Whether chance may explain the numbers that the reason itself states: "after 36 connections to 3 ready endpoints".
fn has_few_connections(reason: &str) -> bool {
    let number_after = |words: &str| {
        let rest = &reason[reason.find(words)? + words.len()..];
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    let (connections, endpoints) = (number_after("shows no traffic after "), number_after("connections to "));
    connections.zip(endpoints).is_some_and(|(n, endpoints)| (1.0 - 1.0 / endpoints).powf(n) >= 1e-6)
}
