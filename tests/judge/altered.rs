//! A hundred alterations of one byte or one line, spread over every file: each is found.

use gpuhpa::seed::SplitMix64;

use super::bundle::sound_bundle;

#[test]
fn a_recorded_bundle_is_sound_and_its_verdict_follows_again() {
    let bundle = sound_bundle("sound", "bundles/rig-healthy");
    let review = bundle.review().expect("the bundle must be readable");
    assert_eq!(bundle.differences(), Vec::<String>::new());
    assert!(review.soundness.is_sound() && review.verdict.title() == "PASS (STAND-IN)", "{}", review.verdict.title());
}

#[test]
fn every_alteration_of_a_byte_or_a_line_is_found() {
    let bundle = sound_bundle("altered", "bundles/rig-healthy");
    let names = bundle.file_names();
    assert!(names.len() >= 11, "{names:?}");
    let mut seed = SplitMix64::new(5);
    let mut below = move |n: usize| usize::try_from(seed.next_u64() % (n as u64)).expect("a small number");
    let mut made = 0;
    while made < 100 {
        let name = &names[made % names.len()];
        let before = bundle.read(name);
        let (what, after) = mutate(&before, &mut below);
        if after == before {
            // Two lines that are the same were exchanged.
            continue;
        }
        bundle.write(name, &after);
        let found = bundle.differences();
        assert!(!found.is_empty(), "{name}: {what} was not found");
        bundle.write(name, &before);
        made += 1;
    }
    assert_eq!(bundle.differences(), Vec::<String>::new(), "every alteration was taken back");
}

/// A random alteration of a file.
pub(crate) fn mutate(before: &[u8], below: &mut impl FnMut(usize) -> usize) -> (String, Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = before.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let line = below(lines.len());
    match below(6) {
        0 => {
            lines.remove(line);
            (format!("line {line} dropped"), lines.concat())
        }
        1 => {
            lines.insert(line, lines[line].clone());
            (format!("line {line} doubled"), lines.concat())
        }
        2 => {
            let other = below(lines.len());
            lines.swap(line, other);
            (format!("lines {line} and {other} exchanged"), lines.concat())
        }
        3 => {
            let mut after = before.to_vec();
            let at = below(after.len());
            after.remove(at);
            (format!("byte {at} dropped"), after)
        }
        4 => {
            // A digit for another, as who would better a figure.
            let digits: Vec<usize> = (0..before.len()).filter(|at| before[*at].is_ascii_digit()).collect();
            let mut after = before.to_vec();
            let at = if digits.is_empty() { below(after.len()) } else { digits[below(digits.len())] };
            after[at] = b'0' + (after[at] + 1) % 10;
            (format!("byte {at} edited"), after)
        }
        _ => {
            let mut after = before.to_vec();
            let at = below(after.len());
            after[at] ^= 1 << below(8);
            (format!("a bit of byte {at} turned"), after)
        }
    }
}
