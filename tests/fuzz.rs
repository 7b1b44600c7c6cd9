//! The corpus of the fuzz targets, replayed on the stable compiler; each input also with bytes turned, lines dropped and its
//! end cut, by a seed. Fuzzing itself (`cargo +nightly fuzz run bundle`) looks further.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::path::PathBuf;

use gpuhpa::seed::SplitMix64;

#[expect(unreachable_pub, reason = "the targets are a crate of their own too")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Variants of each input that are tried besides.
const VARIANTS: u64 = 20;

/// Every input of a target; so many of them at the least must get through to what it is about.
fn replay(target: &str, through: usize, run: impl Fn(&[u8]) -> bool) {
    let dir = PathBuf::from("fuzz/corpus").join(target);
    let mut good = 0;
    for entry in std::fs::read_dir(dir).expect("the corpus must be readable") {
        let input = std::fs::read(entry.expect("an entry").path()).expect("an input");
        good += usize::from(run(&input));
        for variant in 0..VARIANTS {
            run(&mutate(&input, variant));
        }
    }
    assert!(good >= through, "{good} inputs of {target} get through");
}

/// The input with some alterations that a seed chooses.
fn mutate(input: &[u8], seed: u64) -> Vec<u8> {
    let mut seed = SplitMix64::new(seed);
    let mut below = |n: usize| usize::try_from(seed.next_u64() % (n.max(1) as u64)).expect("a small number");
    let mut out = input.to_vec();
    for _ in 0..=below(6) {
        let at = below(out.len());
        match below(5) {
            0 if !out.is_empty() => out[at] ^= 1 << below(8),
            1 => out.truncate(at),
            2 => {
                // A number as large as there is, in place of a digit.
                if let Some(at) = (at..out.len()).find(|at| out[*at].is_ascii_digit()) {
                    out.splice(at..=at, b"9223372036854775807".iter().copied());
                }
            }
            3 => {
                let mut lines: Vec<Vec<u8>> = out.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    lines.remove(below(lines.len()));
                }
                out = lines.concat();
            }
            _ => {
                let mut lines: Vec<Vec<u8>> = out.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    let (a, b) = (below(lines.len()), below(lines.len()));
                    lines.swap(a, b);
                }
                out = lines.concat();
            }
        }
    }
    out
}

#[test]
fn archives() {
    replay("archive", 4, targets::archive);
}

#[test]
fn bundles() {
    replay("bundle", 8, targets::bundle);
}

#[test]
fn observations() {
    replay("observation", 20, targets::observation);
}

#[test]
fn scenarios() {
    replay("scenario", 3, targets::scenario);
}
