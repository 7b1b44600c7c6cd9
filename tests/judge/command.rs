//! The command as it is typed: what it prints, and how it exits.

use std::path::Path;
use std::process::Output;

use super::bundle::sound_bundle;

#[expect(clippy::disallowed_methods, reason = "the test starts the program")]
fn run_judge(args: &[&str], bundle: &Path) -> (i32, String, String) {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa")).arg("judge").args(args).arg(bundle).output();
    let Output { status, stdout, stderr } = run.expect("the program must start");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

#[test]
fn a_sound_bundle_exits_with_its_verdict_from_a_folder_and_from_an_archive() {
    let bundle = sound_bundle("command", "bundles/rig-healthy");
    let (code, out, err) = run_judge(&[], &bundle.0);
    assert_eq!((code, err.as_str()), (0, ""));
    for told in [
        "ScaleUp/ReplicasRise",
        "PASS (STAND-IN): every case passed",
        "sound      digests: compared 13 files",
        "unsigned: ",
    ] {
        assert!(out.contains(told), "`{told}` is not in\n{out}");
    }
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("bundle", &bundle.0).expect("a tar");
    let archive = bundle.0.with_extension("tar.zst");
    let bytes = zstd::encode_all(&tar.into_inner().expect("a tar")[..], 3).expect("compressed");
    std::fs::write(&archive, bytes).expect("a file");
    let packed = run_judge(&[], &archive);
    std::fs::remove_file(&archive).expect("the file");
    assert_eq!((packed.0, packed.1), (0, out));
    let failing = sound_bundle("fail", "timelines/rig-hpa-controller-off");
    assert_eq!(run_judge(&["-o", "json"], &failing.0).0, 1);
}

#[test]
fn an_altered_bundle_exits_with_6_and_names_what_was_altered() {
    let bundle = sound_bundle("altered-command", "bundles/rig-healthy");
    bundle.replace("timeline.jsonl", "\"inFlight\":6", "\"inFlight\":5");
    let (code, out, err) = run_judge(&[], &bundle.0);
    assert_eq!(code, 6);
    assert!(
        out.contains("DIFFERENT  digests: ") && out.contains("- timeline.jsonl was altered: its sha256 is "),
        "{out}"
    );
    assert!(out.contains("NOT SOUND: "), "{out}");
    // The report shows the requests in flight.
    assert!(err.contains(": not sound: 2 differences\n") && err.contains("hint: "), "{err}");
    assert!(out.contains("- report.html is not what the records give"), "{out}");
    let (code, out, _) = run_judge(&["-o", "json"], &bundle.0);
    let review: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &review["soundness"], &review["verdict"]["result"]), (6, &"notSound".into(), &"PASS".into()));
    let digests = review["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["name"] == "digests"));
    assert_eq!(digests.and_then(|check| check["differences"].as_array()).map(Vec::len), Some(1));
}

#[test]
fn no_text_of_a_bundle_controls_the_terminal_or_looks_like_a_line_of_the_program() {
    let bundle = sound_bundle("hidden", "bundles/rig-healthy");
    let hidden = "\\u202ey\\u001b[2J\u{202e}\u{9b}\u{200f}\\nPASS: every case passed";
    bundle.replace("verdict.json", "\"reason\": \"every case passed", &format!("\"reason\": \"{hidden}"));
    bundle.replace("journal.jsonl", "\"run\":\"", "\"run\":\"\u{202e}\u{2066}");
    let is_shown = |c: char| c == '\n' || !(c.is_control() || "\u{200f}\u{202e}\u{2066}".contains(c));
    let path = bundle.0.display().to_string();
    let other = sound_bundle("hidden-other", "bundles/rig-healthy");
    let runs: [&[&str]; 4] = [&[], &["-o", "json"], &["--diff", &path], &["-o", "json", "--diff", &path]];
    for args in runs {
        let (code, out, err) = run_judge(args, if args.contains(&"--diff") { &other.0 } else { &bundle.0 });
        assert_eq!(code, 6, "{args:?} {err}");
        let found: Vec<char> = out.chars().chain(err.chars()).filter(|c| !is_shown(*c)).collect();
        assert!(found.is_empty(), "{args:?}: {found:?}");
        assert!(!out.contains("\nPASS: every case passed\n"), "{args:?}: {out}");
    }
    let (_, out, _) = run_judge(&["-o", "json"], &bundle.0);
    let review: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(review.to_string().contains('\u{202e}'), "the value is the same: {review}");
}

#[test]
fn what_is_no_bundle_is_a_slip_and_what_no_bundle_holds_is_not() {
    let (code, _, err) = run_judge(&[], Path::new("reports/none"));
    assert!(
        code == 2 && err.contains("reports/none: could not be read") && err.contains("hint: name a folder"),
        "{err}"
    );
    let (code, _, err) = run_judge(&[], Path::new("src"));
    assert!(code == 2 && err.contains("manifest.json is missing"), "{err}");
    let bundle = sound_bundle("link", "bundles/rig-healthy");
    std::os::unix::fs::symlink("/etc/passwd", bundle.0.join("more.txt")).expect("a link");
    let (code, _, err) = run_judge(&[], &bundle.0);
    assert!(code == 6 && err.contains("`more.txt` is not a regular file"), "{err}");
}

#[test]
fn two_bundles_stand_side_by_side_and_what_changed_is_marked() {
    let (a, b) = (sound_bundle("diff-a", "bundles/rig-healthy"), sound_bundle("diff-b", "timelines/rig-one-gpu"));
    let (left, right) = (a.0.display().to_string(), b.0.display().to_string());
    let (code, out, err) = run_judge(&["-o", "json", "--diff", &left], &b.0);
    assert_eq!((code, err.as_str()), (0, ""));
    let rows: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let row = |what: &str| {
        let rows = rows.as_array().expect("rows");
        rows.iter().find(|row| row["item"] == what).unwrap_or_else(|| panic!("no row {what}")).clone()
    };
    let pods = row("ScaleUp/NewPodsRunOnAccelerators");
    assert!(pods["a"] == "PASS" && pods["change"] == "changed", "{pods}");
    assert!(pods["b"].as_str().is_some_and(|text| text.starts_with("INCONCLUSIVE: (capacity)")), "{pods}");
    assert_eq!((&row("ScaleUp/ReplicasRise")["change"], &row("Kubernetes")["change"]), (&().into(), &().into()));
    assert_eq!((&row("requests")["change"], &row("requests")["a"]), (&"only in one".into(), &"69".into()));
    assert_eq!(row("verdict")["b"], "INCONCLUSIVE (STAND-IN)");
    // Of one bundle and itself, nothing changed.
    let (code, out, _) = run_judge(&["--diff", &left], &a.0);
    assert!(code == 0 && out.contains("\n0 of ") && out.contains("phase scale-up"), "{out}");
    b.replace("verdict.json", "INCONCLUSIVE", "PASS");
    let (code, out, err) = run_judge(&["--diff", &left], &b.0);
    assert!(code == 6 && err.contains(&format!("{right}: not sound")) && out.contains("not sound"), "{code} {err}");
}
