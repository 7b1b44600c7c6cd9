//! report.html as an independent HTML parser reads it: runs recorded on the rig, hostile text in every field, and a run of an
//! hour with a hundred replicas.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use gpuhpa::evidence::{FinishedRun, render_report};
use gpuhpa::judge::{RunView, judge, predict};
use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::journal::JournalEntry;
use gpuhpa::model::load::{LoadReport, Quantiles};
use gpuhpa::model::metric_under_test::TargetType;
use gpuhpa::model::observation::{LoadSnapshot, Observation, ObservationKind};
use gpuhpa::model::plan::{BoundName, Plan, PreflightProblem, Term, TermSource, TimeBound};
use gpuhpa::model::prediction::{AllowedReplicas, MetricRecommendation, PredictedChange, RunPrediction};
use gpuhpa::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use gpuhpa::model::run_records::RunRecords;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::{Case, Verdict};
use gpuhpa::units::Milli;
use scraper::{Html, Selector};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Everything that a report is rendered from.
struct RecordedRun {
    scenario: Scenario,
    inventory: Inventory,
    plan: Plan,
    journal: Vec<JournalEntry>,
    timeline: Vec<Observation>,
    load: LoadReport,
    verdict: Verdict,
    prediction: RunPrediction,
}

impl RecordedRun {
    /// A run recorded on the rig, with its verdict.
    fn from_recording(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/timelines").join(name);
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let scenario: Scenario = serde_saphyr::from_str(&read("scenario.yaml")).unwrap();
        let inventory: Inventory = serde_json::from_str(&read("inventory.json")).unwrap();
        let journal: Vec<JournalEntry> =
            read("journal.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let timeline: Vec<Observation> =
            read("timeline.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let records = RunRecords {
            scenario: &scenario,
            inventory: &inventory,
            journal: &journal,
            timeline: &timeline,
            client_bound: None,
        };
        let (verdict, prediction) = (judge(records), predict(records));
        Self { plan: plan(), load: load(), scenario, inventory, journal, timeline, verdict, prediction }
    }

    fn render(&self) -> String {
        render_report(&FinishedRun {
            scenario: &self.scenario,
            inventory: &self.inventory,
            plan: &self.plan,
            journal: &self.journal,
            timeline: &self.timeline,
            load: Some(&self.load),
            verdict: &self.verdict,
            prediction: &self.prediction,
        })
    }
}

fn plan() -> Plan {
    let term = |name: &str, source| Term { name: name.to_owned(), ms: 5000, source };
    let terms = vec![term("sync period", TermSource::Assumed), term("API latency allowance", TermSource::Harness)];
    let bounds = vec![TimeBound { name: BoundName::ScaleUp, terms }];
    Plan { run: "20261124-130934-541".to_owned(), expected_replicas: 2, bounds, ..Plan::default() }
}

fn load() -> LoadReport {
    let quantiles = Quantiles { count: 63, min: 9064, p50: 2_342_911, p90: 6_479_871, p99: 6_590_463, max: 6_590_463 };
    LoadReport {
        requests: 69,
        outcomes: BTreeMap::from([("succeeded".to_owned(), 63), ("http-5xx".to_owned(), 6)]),
        error_examples: BTreeMap::from([("http-5xx".to_owned(), "HTTP 500: out of memory".to_owned())]),
        ttft_us: quantiles,
        ..LoadReport::default()
    }
}

fn select_all<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn select_text(page: &Html, selector: &str) -> String {
    select_all(page, selector).iter().flat_map(|element| element.text()).collect()
}

/// The page loads, runs and sends nothing, and its policy forbids it.
#[track_caller]
fn assert_self_contained(html: &str, page: &Html) {
    const KNOWN: &str = "a aside b body br circle code dd div dl dt figure g h1 h2 h3 head header html i li main meta nav ol p path \
                         pre rect section small span strong style svg table tbody td text th thead title tr ul";
    let known: BTreeSet<&str> = KNOWN.split_whitespace().collect();
    for element in select_all(page, "*") {
        let name = element.value().name();
        assert!(known.contains(name), "an element {name} was injected");
        for (attribute, value) in element.value().attrs() {
            let allowed = match attribute {
                "href" => value.starts_with('#'),
                "src" | "srcset" | "style" | "xlink:href" | "action" | "data" | "background" => false,
                _ => !attribute.starts_with("on") && !value.contains("url(") && !value.contains("//"),
            };
            assert!(allowed, "{name} has {attribute}={value}");
        }
    }
    let styles = select_all(page, "style");
    let style = styles[0].text().collect::<String>();
    assert_eq!((styles.len(), style.contains("url("), style.contains('@')), (1, false, true));
    assert!(!style.contains("@import") && !style.contains("@font-face"));
    let digest = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(&style));
    let policy = select_all(page, "meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap();
    assert_eq!(policy, format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"));
    assert!(!html.contains("NaN") && !html.contains("inf "), "a coordinate is not a number");
}

#[test]
fn a_recorded_run_is_shown_completely_and_loads_nothing() {
    for name in
        ["healthy", "adapter-away", "hpa-controller-off", "one-gpu", "wrong-sign", "divided-twice", "contaminated"]
    {
        let run = RecordedRun::from_recording(&format!("rig-{name}"));
        let html = run.render();
        let page = Html::parse_document(&html);
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
        assert_self_contained(&html, &page);
        assert_eq!(select_text(&page, "h1"), run.verdict.title(), "{name}");
        assert_eq!(select_text(&page, "p.reason"), run.verdict.reason, "{name}");
        assert_eq!(select_all(&page, "ol.cases > li").len(), run.verdict.cases.len(), "{name}");
        // Each cited number links to its observation.
        let rows: BTreeSet<&str> = select_all(&page, "tr[id]").iter().filter_map(|row| row.attr("id")).collect();
        for link in select_all(&page, "p.cites a, section#oracle a") {
            assert!(rows.contains(&link.attr("href").unwrap()[1..]), "{name}: {link:?} has no target");
        }
        assert_eq!(html, run.render(), "{name}: the same records gave another page");
    }
}

#[test]
fn stand_ins_are_marked_in_the_title_the_head_the_chart_and_on_each_printed_page() {
    let run = RecordedRun::from_recording("rig-healthy");
    let page = Html::parse_document(&run.render());
    for place in ["title", "h1", "div.stand-in", "svg.on-page text.stand-in", "svg.on-phone text.stand-in", "div.stamp"]
    {
        assert!(select_text(&page, place).contains("STAND-IN"), "{place}");
    }
    let mut real = RecordedRun::from_recording("rig-healthy");
    real.verdict.stand_in = false;
    real.scenario.declares.clear();
    assert!(!Html::parse_document(&real.render()).root_element().text().collect::<String>().contains("STAND-IN"));
}

/// The API server accepts both values in an Object metric, and the controller compares the one that `type` names.
#[test]
fn chart_judge_and_plan_name_the_same_target_of_an_object_metric_that_states_both_values() {
    let mut run = RecordedRun::from_recording("rig-contaminated");
    let metric = run.scenario.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
    metric.target = serde_json::from_value(json!({"type": "Value", "value": "60", "averageValue": "30"})).unwrap();
    let page = Html::parse_document(&run.render());
    let chart = select_text(&page, "svg");
    assert!(chart.contains("target 60") && !chart.contains("target 30"), "{chart}");
    let records = RunRecords {
        journal: &run.journal,
        ..RunRecords::without_changes(&run.scenario, &run.inventory, &run.timeline)
    };
    assert_eq!(RunView::new(records).live_status().target_value, Some(Milli(60_000)));
    let verdict = serde_json::to_string(&judge(records)).unwrap();
    assert!(verdict.contains("target 60") && !verdict.contains("target 30"), "{verdict}");
    let planned = gpuhpa::plan::plan(&run.scenario, &run.inventory, "r").metric.unwrap();
    assert_eq!((planned.target_value, planned.target_type), (Some(Milli(60_000)), TargetType::Value));
}

#[test]
fn a_minute_without_the_metric_is_hatched_and_no_line_passes_through_it() {
    let page = Html::parse_document(&RecordedRun::from_recording("rig-adapter-away").render());
    let gaps = |page: &Html| {
        select_all(page, "svg.on-page g.gap > title").iter().map(|t| t.text().collect()).collect::<Vec<String>>()
    };
    let healthy = Html::parse_document(&RecordedRun::from_recording("rig-healthy").render());
    assert_eq!(gaps(&page).len(), gaps(&healthy).len() + 1, "{:?}", gaps(&page));
    let d = select_all(&page, "svg.on-page path.value:not(.points)").last().and_then(|path| path.attr("d")).unwrap();
    assert!(d.matches('M').count() >= 2, "the line is in one piece: {d}");
}

#[test]
fn a_source_that_was_not_readable_hides_a_part_of_its_panel() {
    let mut run = RecordedRun::from_recording("rig-healthy");
    let (seq, at_ms) = run.timeline.last().map(|last| (last.seq + 1, last.at_ms)).unwrap();
    for (n, source) in ["hpa", "pods", "clock"].into_iter().enumerate() {
        let gap = json!({"seq": seq + n as u64, "atMs": at_ms, "gap": {"source": source, "fromMs": 60_000, "reason": "forbidden"}});
        run.timeline.push(serde_json::from_value(gap).unwrap());
    }
    let page = Html::parse_document(&run.render());
    // Gaps of other sources are not hatched: a hop's own readings state why there is no value.
    let hidden = select_text(&page, "svg.on-page g.gap > title");
    assert_eq!((hidden.matches("hpa: forbidden").count(), hidden.matches("forbidden").count()), (1, 2), "{hidden}");
    assert_eq!(select_text(&page, "section#events ul").matches("was not readable: forbidden").count(), 3);
}

#[test]
fn a_total_is_shown_as_served_and_divided_by_the_replicas() {
    let page = Html::parse_document(&RecordedRun::from_recording("rig-divided-twice").render());
    let d = |class: &str| {
        select_all(&page, &format!("svg.on-page path.{class}:not(.points)"))[1].attr("d").unwrap().to_owned()
    };
    assert_ne!(d("served"), d("value"));
    let per_pod = Html::parse_document(&RecordedRun::from_recording("rig-healthy").render());
    assert!(select_all(&per_pod, "path.served").is_empty());
}

#[test]
fn a_run_that_did_not_start_has_a_report_too() {
    let mut run = RecordedRun::from_recording("rig-healthy");
    (run.timeline, run.journal, run.prediction) = (Vec::new(), Vec::new(), RunPrediction::default());
    let html = run.render();
    let page = Html::parse_document(&html);
    assert_self_contained(&html, &page);
    assert!(select_text(&page, "section#timeline").contains("Nothing was observed"));
}

/// Closes every context that a text can be in, and tries to load or run something.
const HOSTILE: &str = "\"'></title></style></text></svg></table><script src=http://evil.example/x.js>alert(1)</script><img src=//evil.example/y \
                       onerror=alert(2)><a href=\"javascript:alert(3)\">&lt;b&gt; ]]> --> {{7*7}} \u{1b}[31m\u{0}\u{202e}gpj.exe";

/// The record with the hostile text appended to every string and map key for which it still deserializes.
fn inject_hostile_text<T: Serialize + DeserializeOwned>(record: &T) -> T {
    const MAPS: [&str; 12] = [
        "labels",
        "resources",
        "allocatable",
        "selector",
        "outcomes",
        "examples",
        "failures",
        "charts",
        "releases",
        "metricsApis",
        "permissions",
        "declares",
    ];
    let mut json = serde_json::to_value(record).unwrap();
    let mut pointers = Vec::new();
    find_pointers(&json, String::new(), &mut pointers);
    for pointer in pointers {
        let before = json.clone();
        match json.pointer_mut(&pointer) {
            Some(Value::String(text)) => text.push_str(HOSTILE),
            Some(Value::Object(map)) if pointer.rsplit('/').next().is_some_and(|name| MAPS.contains(&name)) => {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (key + HOSTILE, value)).collect();
            }
            _ => continue,
        }
        if serde_json::from_value::<T>(json.clone()).is_err() {
            json = before;
        }
    }
    serde_json::from_value(json).unwrap()
}

/// JSON pointers to all strings and maps, the innermost first.
fn find_pointers(value: &Value, pointer: String, found: &mut Vec<String>) {
    let child = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| find_pointers(inner, child(key), found)),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(n, inner)| find_pointers(inner, child(&n.to_string()), found))
        }
        _ => {}
    }
    if value.is_string() || value.is_object() {
        found.push(pointer);
    }
}

/// Observations of kinds that the recorded run does not have.
fn other_observations(seq: u64, at_ms: u64) -> Vec<Observation> {
    let observations = [
        json!({"gap": {"source": "hpa", "fromMs": at_ms - 3000, "reason": "forbidden"}}),
        json!({"leader": {"holder": "rig", "transitions": 1, "renewed": null}}),
        json!({"interrupted": {"signal": "SIGINT"}}),
        json!({"metric": {"hop": "api", "requestedMs": at_ms, "result": {"failed": "404"}}}),
        json!({"metric": {"hop": "store", "requestedMs": at_ms, "result": {"notReadable": "403"}}}),
        json!({"probe": {"pod": "ollama-7fd697578d-fcd5l", "beganMs": at_ms, "error": "EOF", "status": 500, "notDelivered": true,
               "tokens": 0, "modelBytes": null, "modelAcceleratorBytes": null, "modelDigest": null}}),
        json!({"load": {"inFlight": 1, "answeredConnections": 1, "succeeded": 0, "failed": 9, "failures": {"dns": {"count": 9, "example":
               "no such host"}}, "tokens": 0, "ttftP50Us": 0}}),
        json!({"pod": {"name": "stuck", "uid": "u", "created": null, "phase": "Pending", "ready": false, "readySince": null,
               "deleting": false, "node": "n", "labels": {"app.kubernetes.io/instance": "ollama", "app.kubernetes.io/name": "ollama"},
               "owner": "ReplicaSet/x", "extendedResources": {"nvidia.com/gpu": 1}, "resourceClaims": ["c"], "allocatedDevices": ["d"],
               "notRunning": {"reason": "Unschedulable", "message": "no room"}, "restarts": 3}}),
    ];
    let numbered = |(n, mut observation): (usize, Value)| {
        observation["seq"] = json!(seq + n as u64);
        observation["atMs"] = json!(at_ms);
        serde_json::from_value(observation).unwrap()
    };
    observations.into_iter().enumerate().map(numbered).collect()
}

#[test]
fn hostile_text_in_any_field_stays_text() {
    let mut run = RecordedRun::from_recording("rig-healthy");
    let last = run.timeline.last().unwrap().clone();
    run.timeline.extend(other_observations(last.seq + 1, last.at_ms));
    // Every observation is cited, so that every kind is shown.
    let seqs: Vec<u64> = run.timeline.iter().map(|observation| observation.seq).collect();
    let cases = seqs.chunks(60).map(|cites| Case { cited_seqs: cites.to_vec(), ..run.verdict.cases[1].clone() });
    run.verdict.cases.extend(cases.collect::<Vec<_>>());
    run.load.client_bound = Some("the client was late".to_owned());
    let problem = PreflightProblem { message: "no".to_owned(), hint: "do".to_owned() };
    (run.plan.errors, run.plan.warnings) = (vec![problem], vec!["careful".to_owned()]);
    let mut hostile_run = RecordedRun {
        scenario: inject_hostile_text(&run.scenario),
        inventory: inject_hostile_text(&run.inventory),
        plan: inject_hostile_text(&run.plan),
        journal: run.journal.iter().map(inject_hostile_text).collect(),
        timeline: run.timeline.iter().map(inject_hostile_text).collect(),
        load: inject_hostile_text(&run.load),
        verdict: inject_hostile_text(&run.verdict),
        prediction: run.prediction.clone(),
    };
    hostile_run.prediction.changes.iter_mut().for_each(|change| change.writer.push_str(HOSTILE));
    // With hostile text the target is no quantity, and then the name of its metric would not be shown.
    let target = run.scenario.hpa.spec.metrics.as_ref().unwrap()[0].pods.as_ref().unwrap().target.clone();
    hostile_run.scenario.hpa.spec.metrics.as_mut().unwrap()[0].pods.as_mut().unwrap().target = target;
    let html = hostile_run.render();
    let page = Html::parse_document(&html);
    assert_self_contained(&html, &page);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let shown = page.root_element().text().collect::<String>();
    assert!(shown.matches("<script src=http://evil.example/x.js>").count() > 300, "too few fields had hostile text");
    assert!(!html.contains('\u{1b}') && !html.contains('\u{0}') && !html.contains('\u{202e}'));
    for place in ["h3", "td", "th", "dd", "li", "p.reason", "svg title", "code", "p.cites ~ *, ul.findings"] {
        assert!(select_text(&page, place).contains("<img src=//evil"), "no hostile text in {place}");
    }
    // Names in the chart are cut to the available width.
    for place in ["svg text.legend", "svg text.on"] {
        assert!(select_text(&page, place).contains("\"'></ti"), "{place}: {}", select_text(&page, place));
    }
    // As many elements as without hostile text: nothing broke out of its context.
    let clean = Html::parse_document(&run.render());
    for what in ["section", "ol.cases > li", "table", "tr", "td", "th", "dt", "svg", "g.tooltips rect"] {
        assert_eq!(select_all(&page, what).len(), select_all(&clean, what).len(), "{what}");
    }
}

/// Duration of the long run, seconds.
const HOUR: u64 = 3600;

/// Replicas of the long run: from 1 to 100 and back.
fn replicas_at(second: u64) -> i32 {
    1 + (second.min(HOUR - second) / 18).min(99) as i32
}

/// A run built second by second from observations of a healthy run.
struct LongRun {
    template: RecordedRun,
    timeline: Vec<Observation>,
    prediction: RunPrediction,
}

impl LongRun {
    fn push_observation(&mut self, second: u64, kind: ObservationKind) -> u64 {
        let seq = self.timeline.len() as u64;
        self.timeline.push(Observation { seq, at_ms: second * 1000 + seq % 700, source_time: None, kind });
        seq
    }

    fn clone_first<T: Clone>(&self, select: fn(&ObservationKind) -> Option<&T>) -> T {
        self.template.timeline.iter().find_map(|observation| select(&observation.kind)).unwrap().clone()
    }

    fn push_resize(&mut self, second: u64, from: i32) {
        let to = replicas_at(second);
        let mut workload =
            self.clone_first(|kind| if let ObservationKind::Workload(workload) = kind { Some(workload) } else { None });
        (workload.spec_replicas, workload.replicas, workload.ready_replicas) = (to, to, from.min(to));
        let seq = self.push_observation(second, ObservationKind::Workload(workload));
        let allowed =
            Some(AllowedReplicas { by_readings: [Some(1), Some(100)], by_status: None, rate_limit: Some(100) });
        let (at_ms, writer) = (second * 1000, "kube-controller-manager".to_owned());
        self.prediction.changes.push(PredictedChange { seq, at_ms, from, to, writer, allowed });
        let mut pod = self.clone_first(|kind| if let ObservationKind::Pod(pod) = kind { Some(pod) } else { None });
        (pod.name, pod.uid, pod.ready) = (format!("ollama-{to}"), format!("uid-{to}"), true);
        self.push_observation(second, ObservationKind::Pod(pod));
    }

    fn push_reading(&mut self, second: u64, hop: MetricHop) {
        let value = |n: i32| Some(Milli(i64::from(n * 7919 % 100_000 + (second as i32 * 31) % 9000)));
        let object = |n: i32| Some(format!("ollama-{n}"));
        let sample =
            |n: i32| MetricSample { object: object(n), labels: Arc::default(), value: value(n), timestamp: None };
        let result = ReadingResult::Samples((1..=replicas_at(second)).map(sample).collect());
        let seq = self.push_observation(
            second,
            ObservationKind::Metric(MetricReading { hop, requested_ms: second * 1000, result }),
        );
        if hop == MetricHop::Api {
            let replicas = Some(replicas_at(second) + second as i32 % 3);
            let reading =
                MetricRecommendation { seq, at_ms: second * 1000, value: value(replicas_at(second)), replicas };
            self.prediction.recommendations.push(reading);
        }
    }

    fn push_load(&mut self, second: u64) {
        let (succeeded, tokens) = (second * 40, second * (8000 + second % 900));
        let load = LoadSnapshot { in_flight: 5000 - second % 17, succeeded, tokens, ..LoadSnapshot::default() };
        self.push_observation(
            second,
            ObservationKind::Load(LoadSnapshot { ttft_p50_us: 1_000_000 + second * 97 % 400_000, ..load }),
        );
    }
}

/// An hour with a reading of the metrics API each second, and up to a hundred pods; every case cites every observation.
fn long_run() -> RecordedRun {
    let template = RecordedRun::from_recording("rig-healthy");
    let mut long = LongRun { template, timeline: Vec::new(), prediction: RunPrediction::default() };
    for second in 0..HOUR {
        let before = if second == 0 { 0 } else { replicas_at(second - 1) };
        if before != replicas_at(second) {
            long.push_resize(second, before);
        }
        long.push_reading(second, MetricHop::Api);
        if second % 10 == 0 {
            long.push_reading(second, MetricHop::Exporter);
            long.push_reading(second, MetricHop::Store);
        }
        if second % 5 == 0 {
            let mut hpa = long.clone_first(|kind| if let ObservationKind::Hpa(hpa) = kind { Some(hpa) } else { None });
            hpa.desired_replicas = replicas_at(second);
            long.push_observation(second, ObservationKind::Hpa(hpa));
        }
        long.push_load(second);
    }
    let LongRun { template: mut run, timeline, prediction } = long;
    run.scenario.hpa.spec.max_replicas = 100;
    for case in &mut run.verdict.cases {
        (case.cited_seqs, case.reason) = (timeline.iter().map(|o| o.seq).collect(), "every reading".to_owned());
    }
    RecordedRun { timeline, prediction, ..run }
}

#[test]
fn an_hour_with_a_hundred_replicas_stays_below_three_megabytes() {
    let run = long_run();
    let html = run.render();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    let page = Html::parse_document(&html);
    assert_self_contained(&html, &page);
    // No path has more points than the chart can show.
    for path in select_all(&page, "svg.on-page path") {
        assert!(path.attr("d").unwrap().len() < 4 * 1080 * 14, "{:?}", path.value());
    }
    assert_eq!(select_all(&page, "svg.on-page g > rect.ready").len(), 100);
    assert!(select_text(&page, "p.cites").contains("more in verdict.json"));
}
