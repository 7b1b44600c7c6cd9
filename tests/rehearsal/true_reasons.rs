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
    ("Control/MetricFollowsLoad", "connections went to one pod", |run, _| sends_all_to_one_pod(run)),
    ("Control/ByTheAutoscaler", "the API server's clock stepped", |run, _| run.disturbance.starts_with("clock-set")),
    ("Control/ByTheAutoscaler", "of that time was not read", |run, _| is_api_disturbed(run)),
    ("Control/ByTheAutoscaler", "could not be read any more", |run, _| is_api_disturbed(run)),
    ("ScaleUp/ReplicasRise", "but not for", |run, _| !has_enough_load(run)),
    ("ScaleUp/NewPodsServe", "shows no traffic after", |run, reason| {
        !has_enough_load(run) || sends_all_to_one_pod(run) || has_few_connections(reason)
    }),
    ("ScaleUp/NewPodsServe", "(workload)", |run, _| run.disturbance.starts_with("some-")),
    ("Hold/Steady", "the load was too low to hold the size", |run, _| !has_enough_load(run)),
    // A reading lasts a moment; the controller reads at other moments.
    ("ScaleDown/NotEarly", "a value between two polls may explain it", |run, _| !has_enough_load(run)),
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
/// of c chats is at one of s pods by chance, and a pod without a chat is idle.
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
    choose(size, idle) * (1.0 - f64::from(idle) / size_double).powf(chats)
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

fn sends_all_to_one_pod(run: &DrawnRun) -> bool {
    ["session-affinity", "source-hash"].contains(&run.disturbance)
}

fn is_api_disturbed(run: &DrawnRun) -> bool {
    ["api-", "watches-", "responses-", "combined-"].iter().any(|prefix| run.disturbance.starts_with(prefix))
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
