//! The command line as a user or a pipeline meets it, as far as it goes without a cluster: messages, hints, exit codes,
//! and the JUnit file that is written on every ending.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::path::{Path, PathBuf};
use std::process::Output;

/// A folder of this test's own, removed at its end.
struct CliTempDir(PathBuf);

impl CliTempDir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gpuhpa-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a temporary file");
        path
    }
}

impl Drop for CliTempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "the test starts the program")]
fn run_gpuhpa(folder: &CliTempDir, args: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
        .args(args)
        .current_dir(&folder.0)
        .env("HOME", &folder.0)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the program must start")
}

/// Exit code, stdout and stderr.
fn decode_output(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Results of the tests in a JUnit file, the suite and its groups among them: how many, and how many errors.
fn junit_counts(path: &Path) -> (usize, usize) {
    let xml = std::fs::read_to_string(path).expect("the JUnit file must be there");
    let report = quick_junit::Report::deserialize_from_str(&xml).expect("the JUnit file must be sound");
    let suite = &report.test_suites[0];
    (suite.test_cases.len(), suite.errors)
}

#[test]
fn help_names_what_exists_and_the_exit_codes() {
    let folder = CliTempDir::new("help");
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["--help"]));
    assert_eq!(code, 0);
    for word in
        ["verify", "plan", "rehearse", "judge", "clean", "export", "schema", "completions", "INCONCLUSIVE", "130"]
    {
        assert!(out.contains(word), "{word} is missing in:\n{out}");
    }
    assert!(!out.contains("audit"), "audit does not exist yet, but stands in:\n{out}");
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["verify", "--help"]));
    assert!(code == 0 && out.contains("Examples:") && out.contains("--report-dir"), "{out}");
}

#[test]
fn a_wrong_flag_is_a_usage_error() {
    let folder = CliTempDir::new("flag");
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["verify", "--jnuit", "x"]));
    assert!(code == 2 && out.is_empty() && err.contains("--junit"), "{code} {out} {err}");
}

#[test]
fn a_bad_scenario_is_named_with_its_line_and_leaves_a_junit_file() {
    let folder = CliTempDir::new("scenario");
    folder.write("mine.yaml", "load:\n  concurency: 3\n");
    let (code, out, err) =
        decode_output(&run_gpuhpa(&folder, &["verify", "-f", "mine.yaml", "--yes", "--junit", "out/junit.xml"]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("mine.yaml:2:") && err.contains("concurrency"), "{err}");
    assert_eq!(junit_counts(&folder.0.join("out/junit.xml")), (22, 22));
}

#[test]
fn a_scenario_file_that_is_not_there_is_named() {
    let folder = CliTempDir::new("nofile");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "-f", "nowhere.yaml"]));
    assert!(code == 2 && err.contains("nowhere.yaml: could not be read"), "{code} {err}");
}

#[test]
fn without_a_kubeconfig_the_error_says_what_to_name() {
    let folder = CliTempDir::new("nokube");
    let (code, _, err) =
        decode_output(&run_gpuhpa(&folder, &["verify", "--yes", "--report-dir", "b", "--junit", "j.xml"]));
    assert!(code == 2 && err.contains("no ~/.kube/config") && err.contains("hint: name a kubeconfig"), "{code} {err}");
    assert_eq!(junit_counts(&folder.0.join("j.xml")), (22, 22));
    assert_eq!(junit_counts(&folder.0.join("b/junit.xml")), (22, 22));
    // The report is there on every ending, and the manifest knows it.
    let read = |file: &str| std::fs::read_to_string(folder.0.join("b").join(file)).expect("the bundle must be whole");
    assert!(read("report.html").contains("INCONCLUSIVE") && read("manifest.json").contains("\"report.html\": \""));
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert!(code == 3 && out.contains("INCONCLUSIVE: ") && out.contains("no ~/.kube/config"), "{out} {err}");
}

/// The path of the home folder is kept out of a bundle before the run is judged, so that no reader needs to have it.
#[test]
fn a_bundle_without_the_home_folder_is_sound_for_whoever_reads_it() {
    let folder = CliTempDir::new("home");
    folder.write("config", "clusters: 7\n");
    let config = folder.0.join("config").display().to_string();
    let (code, _, err) =
        decode_output(&run_gpuhpa(&folder, &["verify", "--yes", "--kubeconfig", &config, "--report-dir", "b"]));
    assert!(code == 2 && err.contains("~/config") && !err.contains(&config), "{code} {err}");
    let seen = std::fs::read_to_string(folder.0.join("b/timeline.jsonl")).expect("a timeline");
    assert!(seen.contains("could not read the kubeconfig ~/config"), "{seen}");
    let bundle = folder.0.join("b").display().to_string();
    let reader = CliTempDir::new("reader");
    let (code, out, err) = decode_output(&run_gpuhpa(&reader, &["judge", &bundle]));
    assert!(
        code == 3 && out.contains("could not read the kubeconfig ~/config") && err.is_empty(),
        "{code} {out} {err}"
    );
}

#[test]
fn a_broken_kubeconfig_and_an_unknown_context_are_named() {
    let folder = CliTempDir::new("badkube");
    folder.write("config", "clusters: 7\n");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "--kubeconfig", "config"]));
    assert!(code == 2 && err.contains("could not read the kubeconfig config"), "{code} {err}");
    folder.write("config", "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "--kubeconfig", "config", "--context", "prod"]));
    assert!(code == 2 && err.contains("prod"), "{code} {err}");
}

#[test]
fn a_cluster_that_does_not_answer_is_inconclusive_and_leaves_evidence() {
    let folder = CliTempDir::new("down");
    // A port that was free a moment ago: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{{name: x, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}]\nusers: [{{name: x, user: {{}}}}]\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n"
    );
    folder.write("config", &config);
    let args = ["verify", "--yes", "--kubeconfig", "config", "--report-dir", "b", "--junit", "j.xml"];
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(code == 3 && err.contains("the API server could not be asked"), "{code} {err}");
    assert_eq!(junit_counts(&folder.0.join("j.xml")), (22, 22));
    let manifest = std::fs::read_to_string(folder.0.join("b/manifest.json")).expect("a manifest");
    assert!(manifest.contains("\"complete\": true") && manifest.contains("verdict.json"), "{manifest}");
    // Why the run did not begin is on record, so that its verdict follows from the bundle.
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert!(code == 3 && out.contains("INCONCLUSIVE: the API server could not be asked"), "{code} {out} {err}");
}

#[test]
fn a_report_folder_that_is_not_empty_is_left_alone() {
    let folder = CliTempDir::new("full");
    std::fs::create_dir(folder.0.join("b")).expect("a folder");
    folder.write("b/mine.txt", "mine");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["verify", "--yes", "--report-dir", "b"]));
    assert!(code == 2 && err.contains("not empty"), "{code} {err}");
    assert_eq!(std::fs::read_dir(folder.0.join("b")).expect("a folder").count(), 1);
}

#[test]
fn clean_without_a_journal_says_what_to_name() {
    let folder = CliTempDir::new("clean");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["clean", "reports/none"]));
    assert!(
        code == 2 && err.contains("could not read reports/none/journal.jsonl") && err.contains("hint:"),
        "{code} {err}"
    );
    folder.write("journal.jsonl", "{\"change\":0,\"atMs\":1,\"intended\":7}\n{}\n");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["clean", "."]));
    assert!(code == 2 && err.contains("line 1"), "{code} {err}");
}

#[test]
fn the_schema_is_json_and_knows_the_scenarios_fields() {
    let folder = CliTempDir::new("schema");
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["schema"]));
    let schema: serde_json::Value = serde_json::from_str(&out).expect("the schema must be JSON");
    assert!(code == 0 && schema["properties"]["load"].is_object() && schema["properties"]["hpa"].is_object());
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["completions", "bash"]));
    assert!(code == 0 && out.contains("_gpuhpa"));
}

/// As under `nohup`, in the background of a script: the shell has both ignored before.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts the program")]
fn a_hangup_that_was_ignored_stays_so_and_an_interrupt_ends_the_run() {
    let folder = CliTempDir::new("signals");
    // It takes the connection and never answers.
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = server.local_addr().expect("its address").port();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{{name: x, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}]\nusers: [{{name: x, user: {{}}}}]\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n"
    );
    folder.write("config", &config);
    let run = std::process::Command::new("sh")
        .args(["-c", "trap '' INT HUP; exec \"$0\" verify --yes --kubeconfig config --report-dir b"])
        .arg(env!("CARGO_BIN_EXE_gpuhpa"))
        .current_dir(&folder.0)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program must start");
    let (_open, _) = server.accept().expect("it asks the server");
    let signals = format!("kill -HUP {0} && kill -INT {0}", run.id());
    assert!(std::process::Command::new("sh").args(["-c", &signals]).status().expect("sh").success());
    let (code, _, err) = decode_output(&run.wait_with_output().expect("it ends"));
    assert!(code == 130 && err.contains("SIGINT: ending") && !err.contains("SIGHUP"), "{code} {err}");
}
