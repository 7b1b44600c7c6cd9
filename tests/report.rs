//! report.html by the eyes of an independent reader: runs that were recorded on the rig, what an attacker could write into
//! any field of them, and a run of an hour with a hundred replicas.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use gpuhpa::evidence::{Ending, report};
use gpuhpa::judge::{judge, predict};
use gpuhpa::record::inventory::Inventory;
use gpuhpa::record::journal::Entry;
use gpuhpa::record::load::{LoadReport, Quantiles};
use gpuhpa::record::observation::{LoadSeen, Observation, Seen};
use gpuhpa::record::plan::{Bound, Plan, Refusal, Term, TermSource};
use gpuhpa::record::prediction::{Allowed, AskedFor, Predicted, Prediction};
use gpuhpa::record::reading::{Answer, Hop, Reading, Sample};
use gpuhpa::record::records::Records;
use gpuhpa::record::scenario::Scenario;
use gpuhpa::record::verdict::{Case, Verdict};
use gpuhpa::units::Milli;
use scraper::{Html, Selector};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// All that a report is drawn from.
struct Run {
    scenario: Scenario,
    inventory: Inventory,
    plan: Plan,
    journal: Vec<Entry>,
    timeline: Vec<Observation>,
    load: LoadReport,
    verdict: Verdict,
    prediction: Prediction,
}

impl Run {
    /// A run as it was recorded on the rig, judged.
    fn recorded(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/timelines").join(name);
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let scenario: Scenario = serde_saphyr::from_str(&read("scenario.yaml")).unwrap();
        let inventory: Inventory = serde_json::from_str(&read("inventory.json")).unwrap();
        let journal: Vec<Entry> = read("journal.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let timeline: Vec<Observation> =
            read("timeline.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let records = Records {
            scenario: &scenario,
            inventory: &inventory,
            journal: &journal,
            timeline: &timeline,
            load_void: None,
        };
        let (verdict, prediction) = (judge(records), predict(records));
        Self { plan: plan(), load: load(), scenario, inventory, journal, timeline, verdict, prediction }
    }

    fn report(&self) -> String {
        report(&Ending {
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
    let terms = vec![term("sync period", TermSource::Assumed), term("slack", TermSource::Ours)];
    let bounds = vec![Bound { name: "replicas rise".to_owned(), terms }];
    Plan { run: "20261124-130934-541".to_owned(), expect: 2, bounds, ..Plan::default() }
}

fn load() -> LoadReport {
    let quantiles = Quantiles { count: 63, min: 9064, p50: 2_342_911, p90: 6_479_871, p99: 6_590_463, max: 6_590_463 };
    LoadReport {
        requests: 69,
        outcomes: BTreeMap::from([("good".to_owned(), 63), ("http-5xx".to_owned(), 6)]),
        examples: BTreeMap::from([("http-5xx".to_owned(), "HTTP 500: out of memory".to_owned())]),
        ttft_us: quantiles,
        ..LoadReport::default()
    }
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(page: &Html, selector: &str) -> String {
    all(page, selector).iter().flat_map(|element| element.text()).collect()
}

/// Nothing on the page is fetched, run or sent, and a policy forbids it anyhow.
#[track_caller]
fn asks_for_nothing(html: &str, page: &Html) {
    const KNOWN: &str = "a aside b body br circle code dd div dl dt figure g h1 h2 h3 head header html i li main meta nav ol p path \
                         pre rect section small span strong style svg table tbody td text th thead title tr ul";
    let known: BTreeSet<&str> = KNOWN.split_whitespace().collect();
    for element in all(page, "*") {
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
    let styles = all(page, "style");
    let style = styles[0].text().collect::<String>();
    assert_eq!((styles.len(), style.contains("url("), style.contains('@')), (1, false, true));
    assert!(!style.contains("@import") && !style.contains("@font-face"));
    let digest = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(&style));
    let policy = all(page, "meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap();
    assert_eq!(policy, format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"));
    assert!(!html.contains("NaN") && !html.contains("inf "), "a place of the picture is no number");
}

#[test]
fn a_recorded_run_is_told_whole_and_asks_for_nothing() {
    for name in
        ["healthy", "adapter-away", "hpa-controller-off", "one-gpu", "wrong-sign", "divided-twice", "contaminated"]
    {
        let run = Run::recorded(&format!("rig-{name}"));
        let html = run.report();
        let page = Html::parse_document(&html);
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
        asks_for_nothing(&html, &page);
        assert_eq!(text(&page, "h1"), run.verdict.title(), "{name}");
        assert_eq!(text(&page, "p.reason"), run.verdict.reason, "{name}");
        assert_eq!(all(&page, "ol.cases > li").len(), run.verdict.cases.len(), "{name}");
        // Each number leads to what was seen.
        let rows: BTreeSet<&str> = all(&page, "tr[id]").iter().filter_map(|row| row.attr("id")).collect();
        for link in all(&page, "p.cites a, section#oracle a") {
            assert!(rows.contains(&link.attr("href").unwrap()[1..]), "{name}: {link:?} leads nowhere");
        }
        assert_eq!(html, run.report(), "{name}: another picture of the same records");
    }
}

#[test]
fn stand_ins_are_said_in_the_title_the_head_the_picture_and_on_each_printed_page() {
    let run = Run::recorded("rig-healthy");
    let page = Html::parse_document(&run.report());
    for place in ["title", "h1", "div.stand-in", "svg.on-page text.stand-in", "svg.on-phone text.stand-in", "div.stamp"]
    {
        assert!(text(&page, place).contains("STAND-IN"), "{place}");
    }
    let mut real = Run::recorded("rig-healthy");
    real.verdict.stand_in = false;
    real.scenario.declares.clear();
    assert!(!Html::parse_document(&real.report()).root_element().text().collect::<String>().contains("STAND-IN"));
}

#[test]
fn a_minute_without_the_metric_is_hatched_and_no_line_passes_through_it() {
    let page = Html::parse_document(&Run::recorded("rig-adapter-away").report());
    let blind = |run: &Html| {
        all(run, "svg.on-page g.blind > title").iter().map(|t| t.text().collect()).collect::<Vec<String>>()
    };
    let healthy = Html::parse_document(&Run::recorded("rig-healthy").report());
    assert_eq!(blind(&page).len(), blind(&healthy).len() + 1, "{:?}", blind(&page));
    let d = all(&page, "svg.on-page path.value:not(.points)").last().and_then(|path| path.attr("d")).unwrap();
    assert!(d.matches('M').count() >= 2, "the line is in one piece: {d}");
}

#[test]
fn a_source_that_could_not_be_read_hides_a_part_of_its_panel() {
    let mut run = Run::recorded("rig-healthy");
    let (seq, at_ms) = run.timeline.last().map(|last| (last.seq + 1, last.at_ms)).unwrap();
    for (n, source) in ["hpa", "pods", "clock"].into_iter().enumerate() {
        let gap = json!({"seq": seq + n as u64, "atMs": at_ms, "gap": {"source": source, "fromMs": 60_000, "why": "forbidden"}});
        run.timeline.push(serde_json::from_value(gap).unwrap());
    }
    let page = Html::parse_document(&run.report());
    // The hops say themselves why they have no value.
    let hidden = text(&page, "svg.on-page g.blind > title");
    assert_eq!((hidden.matches("hpa: forbidden").count(), hidden.matches("forbidden").count()), (1, 2), "{hidden}");
    assert_eq!(text(&page, "section#events ul").matches("could not be read: forbidden").count(), 3);
}

#[test]
fn a_total_is_shown_as_it_is_served_and_as_it_is_compared() {
    let page = Html::parse_document(&Run::recorded("rig-divided-twice").report());
    let d =
        |class: &str| all(&page, &format!("svg.on-page path.{class}:not(.points)"))[1].attr("d").unwrap().to_owned();
    assert_ne!(d("served"), d("value"));
    let per_pod = Html::parse_document(&Run::recorded("rig-healthy").report());
    assert!(all(&per_pod, "path.served").is_empty());
}

#[test]
fn a_run_that_did_not_begin_has_a_report_too() {
    let mut run = Run::recorded("rig-healthy");
    (run.timeline, run.journal, run.prediction) = (Vec::new(), Vec::new(), Prediction::default());
    let html = run.report();
    let page = Html::parse_document(&html);
    asks_for_nothing(&html, &page);
    assert!(text(&page, "section#course").contains("Nothing was observed"));
}

/// What closes every context that a text can stand in, and asks for something.
const HOSTILE: &str = "\"'></title></style></text></svg></table><script src=http://evil.example/x.js>alert(1)</script><img src=//evil.example/y \
                       onerror=alert(2)><a href=\"javascript:alert(3)\">&lt;b&gt; ]]> --> {{7*7}} \u{1b}[31m\u{0}\u{202e}gpj.exe";

/// A record with the hostile text at the end of every string that it has, keys of maps included, wherever it still is a
/// record with it.
fn poisoned<T: Serialize + DeserializeOwned>(record: &T) -> T {
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
        "rights",
        "declares",
    ];
    let mut whole = serde_json::to_value(record).unwrap();
    let mut places = Vec::new();
    find(&whole, String::new(), &mut places);
    for place in places {
        let before = whole.clone();
        match whole.pointer_mut(&place) {
            Some(Value::String(text)) => text.push_str(HOSTILE),
            Some(Value::Object(map)) if place.rsplit('/').next().is_some_and(|name| MAPS.contains(&name)) => {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (key + HOSTILE, value)).collect();
            }
            _ => continue,
        }
        if serde_json::from_value::<T>(whole.clone()).is_err() {
            whole = before;
        }
    }
    serde_json::from_value(whole).unwrap()
}

/// Places of all strings and maps, the innermost first.
fn find(value: &Value, place: String, found: &mut Vec<String>) {
    let step = |key: &str| format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| find(inner, step(key), found)),
        Value::Array(all) => all.iter().enumerate().for_each(|(n, inner)| find(inner, step(&n.to_string()), found)),
        _ => {}
    }
    if value.is_string() || value.is_object() {
        found.push(place);
    }
}

/// Kinds that the recorded run does not hold.
fn others(seq: u64, at_ms: u64) -> Vec<Observation> {
    let seen = [
        json!({"gap": {"source": "hpa", "fromMs": at_ms - 3000, "why": "forbidden"}}),
        json!({"leader": {"holder": "rig", "transitions": 1, "renewed": null}}),
        json!({"interrupted": {"signal": "SIGINT"}}),
        json!({"metric": {"hop": "api", "askedMs": at_ms, "answer": {"failed": "404"}}}),
        json!({"metric": {"hop": "store", "askedMs": at_ms, "answer": {"notReadable": "403"}}}),
        json!({"probe": {"pod": "ollama-7fd697578d-fcd5l", "beganMs": at_ms, "error": "EOF", "status": 500, "notCarried": true,
               "tokens": 0, "size": null, "sizeVram": null, "modelDigest": null}}),
        json!({"load": {"inFlight": 1, "connections": 1, "good": 0, "failed": 9, "failures": {"dns": {"count": 9, "example":
               "no such host"}}, "tokens": 0, "ttftP50Us": 0}}),
        json!({"pod": {"name": "stuck", "uid": "u", "created": null, "phase": "Pending", "ready": false, "readySince": null,
               "deleting": false, "node": "n", "labels": {"app.kubernetes.io/instance": "ollama", "app.kubernetes.io/name": "ollama"},
               "owner": "ReplicaSet/x", "resources": {"nvidia.com/gpu": 1}, "claims": ["c"], "devices": ["d"],
               "trouble": {"reason": "Unschedulable", "message": "no room"}, "restarts": 3}}),
    ];
    let numbered = |(n, mut one): (usize, Value)| {
        one["seq"] = json!(seq + n as u64);
        one["atMs"] = json!(at_ms);
        serde_json::from_value(one).unwrap()
    };
    seen.into_iter().enumerate().map(numbered).collect()
}

#[test]
fn whatever_is_written_into_any_field_stays_text() {
    let mut run = Run::recorded("rig-healthy");
    let last = run.timeline.last().unwrap().clone();
    run.timeline.extend(others(last.seq + 1, last.at_ms));
    // Every observation is cited, so that every kind is shown.
    let seqs: Vec<u64> = run.timeline.iter().map(|observation| observation.seq).collect();
    let cases = seqs.chunks(60).map(|cites| Case { cites: cites.to_vec(), ..run.verdict.cases[1].clone() });
    run.verdict.cases.extend(cases.collect::<Vec<_>>());
    run.load.void = Some("the client was late".to_owned());
    let refusal = Refusal { what: "no".to_owned(), hint: "do".to_owned() };
    (run.plan.refusals, run.plan.warnings) = (vec![refusal], vec!["careful".to_owned()]);
    let mut poison = Run {
        scenario: poisoned(&run.scenario),
        inventory: poisoned(&run.inventory),
        plan: poisoned(&run.plan),
        journal: run.journal.iter().map(poisoned).collect(),
        timeline: run.timeline.iter().map(poisoned).collect(),
        load: poisoned(&run.load),
        verdict: poisoned(&run.verdict),
        prediction: poisoned(&run.prediction),
    };
    // A target that is no quantity is no target, and then the name of its metric would not be shown.
    let target = run.scenario.hpa.spec.metrics.as_ref().unwrap()[0].pods.as_ref().unwrap().target.clone();
    poison.scenario.hpa.spec.metrics.as_mut().unwrap()[0].pods.as_mut().unwrap().target = target;
    let html = poison.report();
    let page = Html::parse_document(&html);
    asks_for_nothing(&html, &page);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let shown = page.root_element().text().collect::<String>();
    assert!(shown.matches("<script src=http://evil.example/x.js>").count() > 300, "too little was poisoned");
    assert!(!html.contains('\u{1b}') && !html.contains('\u{0}') && !html.contains('\u{202e}'));
    for place in ["h3", "td", "th", "dd", "li", "p.reason", "svg title", "code", "p.cites ~ *, ul.findings"] {
        assert!(text(&page, place).contains("<img src=//evil"), "nothing hostile stands in {place}");
    }
    // Names in the picture are cut, so that they have room.
    for place in ["svg text.key", "svg text.on"] {
        assert!(text(&page, place).contains("\"'></ti"), "{place}: {}", text(&page, place));
    }
    // As many cases, pods and observations as without it: nothing broke out of its place.
    let clean = Html::parse_document(&run.report());
    for what in ["section", "ol.cases > li", "table", "tr", "td", "th", "dt", "svg", "g.pointer rect"] {
        assert_eq!(all(&page, what).len(), all(&clean, what).len(), "{what}");
    }
}

/// Length of the long run, seconds.
const HOUR: u64 = 3600;

/// Its size: from 1 to a hundred and back.
fn size(second: u64) -> i32 {
    1 + (second.min(HOUR - second) / 18).min(99) as i32
}

/// A run that is made second by second after the pattern of the healthy one.
struct Long {
    pattern: Run,
    timeline: Vec<Observation>,
    prediction: Prediction,
}

impl Long {
    fn note(&mut self, second: u64, seen: Seen) -> u64 {
        let seq = self.timeline.len() as u64;
        self.timeline.push(Observation { seq, at_ms: second * 1000 + seq % 700, source: None, seen });
        seq
    }

    fn like<T: Clone>(&self, part: fn(&Seen) -> Option<&T>) -> T {
        self.pattern.timeline.iter().find_map(|observation| part(&observation.seen)).unwrap().clone()
    }

    fn resized(&mut self, second: u64, from: i32) {
        let to = size(second);
        let mut now = self.like(|seen| if let Seen::Workload(workload) = seen { Some(workload) } else { None });
        (now.spec_replicas, now.replicas, now.ready) = (to, to, from.min(to));
        let seq = self.note(second, Seen::Workload(now));
        let own = Some(Allowed { read: [Some(1), Some(100)], reported: None, rate: Some(100) });
        let (at_ms, writer) = (second * 1000, "kube-controller-manager".to_owned());
        self.prediction.changes.push(Predicted { seq, at_ms, from, to, writer, own });
        let mut pod = self.like(|seen| if let Seen::Pod(pod) = seen { Some(pod) } else { None });
        (pod.name, pod.uid, pod.ready) = (format!("ollama-{to}"), format!("uid-{to}"), true);
        self.note(second, Seen::Pod(pod));
    }

    fn read(&mut self, second: u64, hop: Hop) {
        let value = |n: i32| Some(Milli(i64::from(n * 7919 % 100_000 + (second as i32 * 31) % 9000)));
        let object = |n: i32| Some(format!("ollama-{n}"));
        let sample = |n: i32| Sample { object: object(n), labels: Arc::default(), value: value(n), at: None };
        let answer = Answer::Samples((1..=size(second)).map(sample).collect());
        let seq = self.note(second, Seen::Metric(Reading { hop, asked_ms: second * 1000, answer }));
        if hop == Hop::Api {
            let asked = Some(size(second) + second as i32 % 3);
            let reading = AskedFor { seq, at_ms: second * 1000, value: value(size(second)), size: asked };
            self.prediction.readings.push(reading);
        }
    }

    fn loaded(&mut self, second: u64) {
        let (good, tokens) = (second * 40, second * (8000 + second % 900));
        let load = LoadSeen { in_flight: 5000 - second % 17, good, tokens, ..LoadSeen::default() };
        self.note(second, Seen::Load(LoadSeen { ttft_p50_us: 1_000_000 + second * 97 % 400_000, ..load }));
    }
}

/// An hour with a reading of the metrics API each second, and up to a hundred pods; every case cites all of it.
fn long() -> Run {
    let pattern = Run::recorded("rig-healthy");
    let mut long = Long { pattern, timeline: Vec::new(), prediction: Prediction::default() };
    for second in 0..HOUR {
        let before = if second == 0 { 0 } else { size(second - 1) };
        if before != size(second) {
            long.resized(second, before);
        }
        long.read(second, Hop::Api);
        if second % 10 == 0 {
            long.read(second, Hop::Exporter);
            long.read(second, Hop::Store);
        }
        if second % 5 == 0 {
            let mut hpa = long.like(|seen| if let Seen::Hpa(hpa) = seen { Some(hpa) } else { None });
            hpa.desired = size(second);
            long.note(second, Seen::Hpa(hpa));
        }
        long.loaded(second);
    }
    let Long { pattern: mut run, timeline, prediction } = long;
    run.scenario.hpa.spec.max_replicas = 100;
    for case in &mut run.verdict.cases {
        (case.cites, case.reason) = (timeline.iter().map(|o| o.seq).collect(), "every reading".to_owned());
    }
    Run { timeline, prediction, ..run }
}

#[test]
fn an_hour_with_a_hundred_replicas_stays_below_three_megabytes() {
    let run = long();
    let html = run.report();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    let page = Html::parse_document(&html);
    asks_for_nothing(&html, &page);
    // No line has more points than the picture has room for.
    for path in all(&page, "svg.on-page path") {
        assert!(path.attr("d").unwrap().len() < 4 * 1080 * 14, "{:?}", path.value());
    }
    assert_eq!(all(&page, "svg.on-page g > rect.serving").len(), 100);
    assert!(text(&page, "p.cites").contains("more in verdict.json"));
}
