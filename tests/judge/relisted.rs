//! Alterations whose new digests are listed: what is left to find them by is the verdict, the files that
//! follow from the records, and the records against each other.

use super::bundle::{JudgeTestBundle, sound_bundle};

/// What is found after an alteration whose digests were listed anew.
fn differences_after(name: &str, alter: impl FnOnce(&JudgeTestBundle)) -> Vec<String> {
    let bundle = sound_bundle(name, "bundles/rig-healthy");
    alter(&bundle);
    bundle.relist_digests();
    bundle.differences()
}

fn assert_difference(name: &str, told: &str, alter: impl FnOnce(&JudgeTestBundle)) {
    let all = differences_after(name, alter);
    assert!(all.iter().any(|difference| difference.contains(told)), "{name}: `{told}` is not in {all:#?}");
}

/// Drops the lines of a file that hold a text.
fn drop_lines(bundle: &JudgeTestBundle, name: &str, holding: &str) {
    let text = bundle.read_text(name);
    let kept: String = text.split_inclusive('\n').filter(|line| !line.contains(holding)).collect();
    assert_ne!(kept, text, "{name} has no line with `{holding}`");
    bundle.write(name, kept.as_bytes());
}

/// Numbers the observations anew, so that no gap shows.
fn renumber(bundle: &JudgeTestBundle) {
    let text = bundle.read_text("timeline.jsonl");
    let line = |(n, line): (usize, &str)| {
        let rest = line.split_once(',').expect("an observation").1;
        format!("{{\"seq\":{n},{rest}\n")
    };
    bundle.write("timeline.jsonl", text.lines().enumerate().map(line).collect::<String>().as_bytes());
}

#[test]
fn a_verdict_that_was_bettered_is_found_case_by_case() {
    assert_difference("reason", "verdict: ScaleUp/ReplicasRise: reason: stored is `2 replicas 1.2s", |b| {
        b.replace("verdict.json", "2 replicas 3.2s", "2 replicas 1.2s");
    });
    assert_difference("citedSeqs", "ScaleDown/NotEarly: citedSeqs: stored is `284 322`, derived is `284 321`", |b| {
        let text = b.read_text("verdict.json");
        let (head, tail) = text.split_once("ScaleDown/NotEarly").expect("the case");
        b.write("verdict.json", format!("{head}ScaleDown/NotEarly{}", tail.replacen("321", "322", 1)).as_bytes());
    });
    assert_difference("dropped", "`Made/Up`: the stored verdict has an unknown case", |b| {
        b.replace("verdict.json", "Hold/Steady", "Made/Up");
    });
    assert_difference("stand-in", "verdict: standIn: stored is `false`, derived is `true`", |b| {
        b.replace("verdict.json", "\"standIn\": true", "\"standIn\": false");
    });
    assert_difference(
        "space",
        "derived files: verdict.json is not what the records give: first difference in line 2",
        |b| {
            b.replace("verdict.json", "  \"rules\"", "   \"rules\"");
        },
    );
}

#[test]
fn junit_report_and_readme_follow_from_the_records() {
    assert_difference("report", "derived files: report.html is not what the records give", |b| {
        b.replace("report.html", "STAND-IN", "REAL");
    });
    assert_difference("junit", "derived files: junit.xml is not what the records give", |b| {
        b.replace("junit.xml", "replicas 3.2s", "replicas 1.2s");
    });
    assert_difference("readme", "derived files: README.md is not what the records give", |b| {
        b.replace("README.md", "STAND-IN", "REAL");
    });
    assert_difference("gone", "derived files: README.md is missing", |b| {
        std::fs::remove_file(b.0.join("README.md")).expect("README.md");
    });
}

#[test]
fn an_observation_that_was_bettered_changes_what_follows() {
    // The HPA's own word for the size that it wants, and a reading of the metric.
    assert_difference("desired", "verdict: ", |b| drop_lines(b, "timeline.jsonl", "\"desiredReplicas\":2"));
    assert_difference("reading", "verdict: ", |b| {
        let text = b.read_text("timeline.jsonl");
        b.write("timeline.jsonl", text.replace("\"value\":100000", "\"value\":90000").as_bytes());
    });
    // A line that decides nothing is missed by its number, and with new numbers by what cites it.
    assert_difference("gap", "timeline: timeline.jsonl:201: expected seq 200, found 201", |b| {
        drop_lines(b, "timeline.jsonl", "\"seq\":200,");
    });
    assert_difference("renumbered", "verdict: ", |b| {
        drop_lines(b, "timeline.jsonl", "\"seq\":200,");
        renumber(b);
    });
    assert_difference("back", "timeline: timeline.jsonl:201: time goes back", |b| {
        let text = b.read_text("timeline.jsonl");
        let line = text.lines().nth(200).expect("a line");
        let at = line.split("\"atMs\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a time");
        b.replace("timeline.jsonl", line, &line.replacen(&format!("\"atMs\":{at}"), "\"atMs\":1000", 1));
    });
}

#[test]
fn phases_and_journal_have_one_order() {
    assert_difference("phase", "phases: observation 85: phase baseline ended without having begun", |b| {
        b.replace(
            "timeline.jsonl",
            "\"phase\":{\"phase\":\"baseline\",\"edge\":\"began\"}",
            "\"phase\":{\"phase\":\"metric\",\"edge\":\"began\"}",
        );
    });
    assert_difference("tried", "journal: journal.jsonl:1: change 0 was never intended", |b| {
        let text = b.read_text("journal.jsonl");
        let first = text.lines().next().expect("a line").to_owned() + "\n";
        b.write("journal.jsonl", &text.as_bytes()[first.len()..]);
    });
    assert_difference(
        "undone",
        "verdict: Cleanup/Restored: result: stored is `PASS`, derived is `NOT RESTORED`",
        |b| {
            drop_lines(b, "journal.jsonl", "\"change\":3,\"atMs\":110020,\"undone\":null");
        },
    );
}

#[test]
fn what_was_made_and_seen_is_of_one_run() {
    assert_difference("journal-run", "run identity: journal.jsonl:4: run is `20261124-130934-542`", |b| {
        let text = b.read_text("journal.jsonl");
        let line = text.lines().nth(3).expect("a line");
        b.replace("journal.jsonl", line, &line.replace("-541", "-542"));
    });
    assert_difference(
        "hpa",
        "HorizontalPodAutoscaler gpuhpa/other-20261124-130934-541 (autoscaling/v2, horizontalpodautoscalers) is none that the plan creates",
        |b| {
            let text = b.read_text("journal.jsonl");
            let line = text.lines().find(|line| line.contains("HorizontalPodAutoscaler")).expect("the HPA");
            b.replace("journal.jsonl", line, &line.replace("\"name\":\"gpuhpa-2", "\"name\":\"other-2"));
        },
    );
    assert_difference("uid", "the journal created 00000000-", |b| {
        b.replace("journal.jsonl", "5acaf521-f959-45ab-977a-c9004ce827d6", "00000000-f959-45ab-977a-c9004ce827d6");
    });
    assert_difference("release", "helm release elsewhere/ollama is not in the scenario", |b| {
        let release = "\"helmInstall\":{\"name\":\"ollama\",\"namespace\":\"";
        b.replace("journal.jsonl", &format!("{release}gpuhpa\""), &format!("{release}elsewhere\""));
    });
    assert_difference("target", "run identity: observation 6: the target is `Deployment other`", |b| {
        b.replace(
            "timeline.jsonl",
            "\"kind\":\"Deployment\",\"name\":\"ollama\"",
            "\"kind\":\"Deployment\",\"name\":\"other\"",
        );
    });
    // The same run an hour later: its id, and the age of what the API server made, speak against it.
    let all =
        differences_after("started", |b| b.replace("inventory.json", "2026-11-24T13:09:34", "2026-11-24T12:09:34"));
    assert!(all.iter().any(|d| d.contains("run identity: inventory.json")), "{all:#?}");
    assert!(all.iter().any(|d| d.contains("creation times: ") && d.contains("by the cluster's clock")), "{all:#?}");
}

#[test]
fn marks_and_plan_follow_from_the_scenario() {
    assert_difference("unmarked", "stamps: manifest.json lacks the stamp STAND-IN", |b| {
        b.replace("manifest.json", "\n    \"STAND-IN\"\n  ", "");
    });
    assert_difference("marked", "stamps: manifest.json has the stamp `BEST`", |b| {
        b.replace("manifest.json", "\"STAND-IN\"", "\"STAND-IN\",\n    \"BEST\"");
    });
    assert_difference("bound", "plan: bound 2: stored is `HPA active 14s", |b| {
        let text = b.read_text("plan.json");
        let (head, tail) = text.split_once("HPA active").expect("the bound");
        b.write("plan.json", format!("{head}HPA active{}", tail.replacen("5000", "6000", 1)).as_bytes());
    });
    assert_difference("expect", "plan: expectedReplicas: stored is `1`, derived is `2`", |b| {
        b.replace("plan.json", "\"expectedReplicas\": 2", "\"expectedReplicas\": 1");
    });
    assert_difference("metric", "plan: metric.targetValue: stored is `61000`, derived is `60000`", |b| {
        b.replace("plan.json", "\"targetValue\": 60000", "\"targetValue\": 61000")
    });
    assert_difference("assumed", "plan: bound", |b| b.replace("scenario.yaml", "syncPeriod: 5s", "syncPeriod: 9s"));
}

#[test]
fn requests_come_to_their_sum() {
    let requests = |b: &JudgeTestBundle| {
        let packed = b.read("requests.jsonl.zst");
        String::from_utf8(zstd::decode_all(&packed[..]).expect("requests")).expect("text")
    };
    let pack = |b: &JudgeTestBundle, text: &str| {
        b.write("requests.jsonl.zst", &zstd::encode_all(text.as_bytes(), 3).expect("compressed"));
    };
    assert_difference("fewer", "requests: requests: load.json has 69, the requests give 68", |b| {
        let text = requests(b);
        pack(b, &text[text.find('\n').expect("a line") + 1..]);
    });
    assert_difference("outcome", "requests: outcomes: load.json has 6 cancelled-by-ramp-down, 63 succeeded", |b| {
        pack(b, &requests(b).replacen("\"outcome\":\"succeeded\"", "\"outcome\":\"truncated\"", 1));
    });
    assert_difference("number", "requests have a duplicate or unknown id", |b| {
        pack(b, &requests(b).replacen("\"id\":4,", "\"id\":5,", 1));
    });
    assert_difference("moments", "requests: 1 requests have timestamps out of order", |b| {
        pack(b, &requests(b).replacen("\"scheduledUs\":34634512", "\"scheduledUs\":99634512", 1));
    });
    assert_difference("load", "succeeded: the last observation of the load has 63, expected 64", |b| {
        b.replace("load.json", "\"succeeded\": 63", "\"succeeded\": 64");
    });
    assert_difference("clientBound", "requests: clientBound: stored is `made up`, derived is `no`", |b| {
        b.replace("load.json", "\"clientBound\": null", "\"clientBound\": \"made up\"");
    });
    assert_difference("unsummed", "requests: load.json is missing", |b| {
        std::fs::remove_file(b.0.join("load.json")).expect("load.json");
    });
}

/// Each file of another run in place of this one's.
#[test]
fn two_bundles_mixed_are_found() {
    let other = sound_bundle("mixed-other", "timelines/rig-adapter-away");
    for name in [
        "timeline.jsonl",
        "journal.jsonl",
        "inventory.json",
        "plan.json",
        "verdict.json",
        "junit.xml",
        "report.html",
        "README.md",
    ] {
        let all = differences_after(&format!("mixed-{name}"), |b| b.write(name, &other.read(name)));
        assert!(!all.is_empty(), "{name} of another run was not found");
    }
    // All of the other run's records, with this one's verdict.
    let all = differences_after("mixed-verdict", |b| {
        for name in ["timeline.jsonl", "journal.jsonl", "inventory.json", "plan.json", "scenario.yaml", "manifest.json"]
        {
            b.write(name, &other.read(name));
        }
    });
    assert!(
        all.iter().any(|d| d.starts_with("verdict: ")) && all.iter().any(|d| d.starts_with("requests: ")),
        "{all:#?}"
    );
}

#[test]
fn the_bundle_of_a_killed_run_is_incomplete_and_shows_what_it_has() {
    let bundle = sound_bundle("killed", "bundles/rig-healthy");
    for name in ["verdict.json", "junit.xml", "report.html", "README.md", "load.json"] {
        std::fs::remove_file(bundle.0.join(name)).expect(name);
    }
    let manifest = bundle.read_text("manifest.json");
    let head = manifest.split("\"files\"").next().expect("a manifest").replace("true", "false");
    bundle.write("manifest.json", format!("{head}\"files\": {{}}\n}}\n").as_bytes());
    let text = bundle.read_text("timeline.jsonl");
    let cut: String = text.split_inclusive('\n').take(150).collect();
    bundle.write("timeline.jsonl", &cut.as_bytes()[..cut.len() - 20]);
    let review = bundle.review().expect("what is there must be readable");
    let all = bundle.differences();
    assert_eq!(all, ["complete: the bundle is incomplete: the run did not finish, so there are no digests"]);
    assert!(!review.soundness.is_sound());
    let active = review.verdict.cases.iter().find(|case| case.name == "Setup/AutoscalerActive").expect("the case");
    assert_eq!(active.result.as_str(), "PASS");
}

/// `verify --keep`, then `clean`: the journal grows after the bundle was sealed, and the bundle is brought up to it.
#[test]
fn a_run_that_is_cleaned_up_later_is_sound_before_and_after() {
    let bundle = sound_bundle("kept", "bundles/rig-healthy");
    let journal = bundle.read_text("journal.jsonl");
    drop_lines(&bundle, "journal.jsonl", "\"undone\"");
    bundle.seal();
    let kept = bundle.review().expect("a bundle");
    assert_eq!((kept.soundness.is_sound(), kept.verdict.title().as_str()), (true, "PASS (STAND-IN), NOT RESTORED"));
    bundle.write("journal.jsonl", journal.as_bytes());
    assert!(!bundle.differences().is_empty(), "the journal is not the one that was sealed");
    let held = gpuhpa::evidence::open_bundle(&bundle.0).expect("a bundle");
    gpuhpa::run::reissue_verdict(&held, &gpuhpa::env::Bundle::open(&bundle.0)).expect("a verdict");
    let cleaned = bundle.review().expect("a bundle");
    assert_eq!((cleaned.soundness.is_sound(), cleaned.verdict.title().as_str()), (true, "PASS (STAND-IN)"));
}
