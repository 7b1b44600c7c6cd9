//! Whole runs against the simulated platform, through the library: the same seed gives the same bundle, byte for byte.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

mod bench;
mod catalogue;
mod parity;
mod stops;

use std::path::Path;

use bench::{Folder, built_in, rehearse};
use gpuhpa::record::verdict::{CaseResult, Verdict};
use gpuhpa::sim::{Broken, BrokenChats, Denied, During, Mishap, Moment, Setting, Share, Since, What, When, Window};
use gpuhpa::units::Span;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs it twice; where the two bundles differ is an error.
fn twice(name: &str, setting: &Setting) -> (Verdict, Folder) {
    let scenario = built_in();
    let (one, other) = (Folder::new(&format!("{name}-1")), Folder::new(&format!("{name}-2")));
    let outcome = rehearse(setting.clone(), &scenario, one.path()).verdict;
    rehearse(setting.clone(), &scenario, other.path());
    assert_eq!(one.differs_from(&other), Vec::<String>::new(), "{name}");
    (outcome, one)
}

fn verdict(dir: &Path) -> CaseResult {
    let text = std::fs::read(dir.join("verdict.json")).expect("there must be a verdict");
    let verdict: Verdict = serde_json::from_slice(&text).expect("a verdict");
    verdict.result
}

#[test]
fn the_same_seed_gives_the_same_bundle_and_another_one_another_course() {
    let (outcome, first) = twice("seed", &Setting { seed: 1, ..Setting::default() });
    assert_eq!(outcome.result, CaseResult::Pass, "{}", outcome.reason);
    assert!(outcome.rehearsal && outcome.restored && verdict(first.path()) == CaseResult::Pass);
    let second = Folder::new("seed-3");
    rehearse(Setting { seed: 2, ..Setting::default() }, &built_in(), second.path());
    assert!(first.differs_from(&second).iter().any(|file| file.starts_with("timeline.jsonl")));
}

#[test]
fn a_server_with_faults_is_the_same_every_time_too() {
    let share =
        |percent| Some(Share { during: Window { from: Span::default(), lasts: Span::from_secs(3600) }, percent });
    let mut setting = Setting { seed: 3, ..Setting::default() };
    setting.api.watch_lasts = Some(Span::from_secs(20));
    (setting.api.busy, setting.api.failing, setting.api.lost) = (share(10), share(5), share(5));
    let (outcome, _) = twice("server", &setting);
    assert!(outcome.took_ms > 60_000, "it began: {}", outcome.reason);
}

#[test]
fn a_platform_that_breaks_in_the_middle_is_the_same_every_time_too() {
    let mut setting = Setting { seed: 4, ..Setting::default() };
    let when = When { moment: Moment::FirstRise, after: Span::from_secs(40) };
    setting.controllers.mishaps = vec![Mishap { when, what: What::NodeLost }];
    let how = vec![Broken::ErrorLine, Broken::Reset, Broken::Busy503];
    setting.servers.broken = Some(BrokenChats { how, during: During::from(Since::Chats(2)), every: 5 });
    let (outcome, _) = twice("platform", &setting);
    assert_ne!(outcome.result, CaseResult::Pass);
}

#[test]
fn a_run_that_cannot_begin_leaves_its_verdict() {
    let mut setting = Setting::default();
    let (verb, group) = ("create".to_owned(), "autoscaling".to_owned());
    setting.api.denied =
        vec![Denied { verb, group, resource: "horizontalpodautoscalers".to_owned(), ..Denied::default() }];
    let (outcome, folder) = twice("denied", &setting);
    let reason = outcome.reason;
    assert!(reason.starts_with("this run cannot pass") && reason.contains("horizontalpodautoscalers"), "{reason}");
    assert_eq!(verdict(folder.path()), CaseResult::Inconclusive);
}
