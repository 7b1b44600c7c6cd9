//! Hundreds of controllers, each with hidden flags, moments and lags: a sound one is never blamed, whatever they are, and
//! one with a fault is found where its fault can be proved.

use super::world::{Fault, World};
use crate::judge::View;
use crate::judge::decisions_explained;
use crate::judge::ruling::{Ruling, State};

fn judged(seed: u64, fault: Fault) -> (Ruling, usize, usize) {
    let (run, wrongs) = World::new(seed, fault).run();
    let view = View::new(run.records());
    // The ruling cites each change that was judged.
    let ruling = decisions_explained::rule(&view);
    let judged = ruling.cites.len();
    (ruling, judged, wrongs)
}

#[test]
fn a_sound_controller_is_never_blamed() {
    let (mut changes, mut findings) = (0, 0);
    for seed in 0..300 {
        let (ruling, sizes, _) = judged(seed, Fault::None);
        assert_ne!(ruling.state, State::Broken, "seed {seed}: {}", ruling.reason);
        for finding in &ruling.findings {
            let known = ["twice the assumed sync period", "had been changed otherwise"];
            assert!(known.iter().any(|words| finding.contains(words)), "seed {seed}: {finding}");
        }
        (changes, findings) = (changes + sizes, findings + ruling.findings.len());
    }
    assert!(changes > 1200, "{changes} changes judged");
    assert!(findings * 100 < changes, "{findings} findings in {changes} changes");
}

#[test]
fn a_faulty_controller_is_found() {
    // Percent that fail at the least of those that did wrong. What is left: a gap hid what was before, the status of
    // the pass was not seen, or some hidden value explains it.
    for (fault, least) in
        [(Fault::Jump, 60), (Fault::Rate, 60), (Fault::Window, 75), (Fault::Inactive, 60), (Fault::Outside, 85)]
    {
        let (mut failed, mut found, mut all) = (0, 0, 0);
        for seed in 0..80 {
            let (ruling, _, wrongs) = judged(seed, fault);
            if wrongs > 0 {
                all += 1;
                failed += usize::from(ruling.is(State::Broken));
                found += usize::from(ruling.is(State::Broken) || !ruling.findings.is_empty());
            }
        }
        assert!(all >= 10, "{fault:?}: {all} did wrong");
        assert!(failed * 100 >= all * least, "{fault:?}: {failed} of {all} failed");
        assert!(found * 100 >= all * 70, "{fault:?}: {found} of {all} found");
    }
}
