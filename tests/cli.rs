//! The command line without a cluster: messages, hints, exit codes, and the JUnit file, which is written on every error.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::path::{Path, PathBuf};
use std::process::Output;

/// A temporary folder, removed on drop.
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

#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn run_gpuhpa(folder: &CliTempDir, args: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
        .args(args)
        .current_dir(&folder.0)
        .env("HOME", &folder.0)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the binary must start")
}

/// Exit code, stdout and stderr.
fn decode_output(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Number of test cases in a JUnit file, including suite and groups, and number of errors.
fn junit_counts(path: &Path) -> (usize, usize) {
    let xml = std::fs::read_to_string(path).expect("the JUnit file must exist");
    let report = quick_junit::Report::deserialize_from_str(&xml).expect("the JUnit file must be valid");
    let suite = &report.test_suites[0];
    (suite.test_cases.len(), suite.errors)
}

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let folder = CliTempDir::new("help");
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["--help"]));
    assert_eq!(code, 0);
    for word in [
        "verify",
        "init",
        "plan",
        "rehearse",
        "judge",
        "clean",
        "export",
        "schema",
        "completions",
        "INCONCLUSIVE",
        "130",
    ] {
        assert!(out.contains(word), "{word} is missing in:\n{out}");
    }
    assert!(!out.contains("audit"), "audit does not exist yet, but is in:\n{out}");
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
fn a_missing_scenario_file_is_named() {
    let folder = CliTempDir::new("nofile");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "-f", "nowhere.yaml"]));
    assert!(code == 2 && err.contains("nowhere.yaml: could not be read"), "{code} {err}");
}

/// All files below a folder, as text.
fn read_all_files(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let text = |path: PathBuf| match path.is_dir() {
        true => read_all_files(&path),
        false => String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned(),
    };
    entries.map(text).collect()
}

#[test]
fn a_missing_bearer_token_ends_the_run_before_it_starts_and_a_present_one_is_in_no_output() {
    let folder = CliTempDir::new("bearer-token");
    let overlay =
        "extends: builtin://ollama-gpu-utilization.yaml\nload: {protocol: openai, bearerToken: {file: token.txt}}\n";
    folder.write("mine.yaml", overlay);
    let args = ["verify", "-f", "mine.yaml", "--yes", "--report-dir", "b", "--junit", "j.xml"];
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(
        code == 2 && err.contains("load.bearerToken.file: no token in the file token.txt: No such file"),
        "{code} {err}"
    );
    assert!(!folder.0.join("b").exists(), "nothing was begun");
    assert_eq!(junit_counts(&folder.0.join("j.xml")), (22, 22));
    let token = "sk-9fJ2m+Qx7/Lw0Za-4321";
    folder.write("token.txt", &format!("{token} and more\n"));
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(code == 2 && err.contains("it has a space") && !err.contains("9fJ2"), "{code} {err}");
    folder.write("token.txt", &format!("{token}\n"));
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(code == 2 && err.contains("kubeconfig"), "the token is read, and there is no cluster: {code} {err}");
    let all = out + &err + &read_all_files(&folder.0.join("b"));
    assert!(all.contains("file: token.txt") && !all.contains("9fJ2"), "the scenario names the file alone");
}

#[test]
fn a_rehearsal_speaks_openais_protocol_and_needs_no_token() {
    let folder = CliTempDir::new("openai");
    let overlay = "extends: builtin://ollama-gpu-utilization.yaml\nload: {protocol: openai, bearerToken: {env: GPUHPA_NO_SUCH_TOKEN}}\n";
    folder.write("mine.yaml", overlay);
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["rehearse", "-f", "mine.yaml", "--report-dir", "b"]));
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert_eq!(code, 0, "{out} {err}");
    let verdict = std::fs::read_to_string(folder.0.join("b/verdict.json")).expect("a verdict");
    assert!(verdict.contains("by /api/ps of its server"), "{verdict}");
    let plan = std::fs::read_to_string(folder.0.join("b/plan.json")).expect("a plan");
    assert!(plan.contains("forwards no header Authorization"), "direct chats have no token: {plan}");
}

#[test]
fn without_a_kubeconfig_the_hint_names_the_flag() {
    let folder = CliTempDir::new("nokube");
    let (code, _, err) =
        decode_output(&run_gpuhpa(&folder, &["verify", "--yes", "--report-dir", "b", "--junit", "j.xml"]));
    assert!(
        code == 2 && err.contains("KUBECONFIG or ~/.kube/config") && err.contains("hint: name a kubeconfig"),
        "{code} {err}"
    );
    assert_eq!(junit_counts(&folder.0.join("j.xml")), (22, 22));
    assert_eq!(junit_counts(&folder.0.join("b/junit.xml")), (22, 22));
    // The report is written on every error, and the manifest lists it.
    let read =
        |file: &str| std::fs::read_to_string(folder.0.join("b").join(file)).expect("the bundle must be complete");
    assert!(read("report.html").contains("INCONCLUSIVE") && read("manifest.json").contains("\"report.html\": \""));
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert!(code == 3 && out.contains("INCONCLUSIVE: ") && out.contains("KUBECONFIG or ~/.kube/config"), "{out} {err}");
    assert!(out.contains(concat!("written by gpuhpa ", env!("CARGO_PKG_VERSION"), " (commit ")), "{out}");
}

/// The files that the bundle's README lists and those that it has, the signature aside.
fn listed_and_existing_files(bundle: &Path) -> [Vec<String>; 2] {
    let readme = std::fs::read_to_string(bundle.join("README.md")).expect("a README");
    let (_, section) = readme.split_once("## How to read this folder\n").expect("the list of files");
    let lines = section.lines().take_while(|line| line.starts_with("- "));
    let names = lines.flat_map(|line| {
        // Names before a colon; more of them after a semicolon.
        let parts = line.split(';').filter_map(|part| part.split_once(": ")).map(|(names, _)| names.to_owned());
        parts.flat_map(|names| names.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>())
    });
    let mut listed: Vec<String> =
        names.map(|name| name.trim_end_matches('/').to_owned()).filter(|name| name != "manifest.sig").collect();
    let entries = std::fs::read_dir(bundle).expect("a bundle");
    let mut existing: Vec<String> =
        entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    existing.retain(|name| name != "README.md");
    listed.sort();
    existing.sort();
    [listed, existing]
}

#[test]
fn a_refused_run_names_its_bundle_which_states_only_what_was_recorded() {
    let folder = CliTempDir::new("refused");
    folder.write("low.yaml", "extends: builtin://ollama-gpu-utilization.yaml\nmetric: {range: [0, 1]}\n");
    for (args, exit) in [
        (&["verify", "--yes", "--report-dir", "verify"][..], 2),
        (&["rehearse", "-f", "low.yaml", "--report-dir", "rehearse"], 2),
    ] {
        let (code, out, err) = decode_output(&run_gpuhpa(&folder, args));
        assert!(code == exit && out.is_empty() && err.contains(&format!("evidence: {}\n", args[0])), "{code} {err}");
        let bundle = folder.0.join(args[0]);
        let [listed, existing] = listed_and_existing_files(&bundle);
        assert_eq!(listed, existing, "{args:?}");
        let readme = std::fs::read_to_string(bundle.join("README.md")).expect("a README");
        for unknown in ["  ", "()", "context )", "Evidence for this platform", "The run took", "helm \n"] {
            assert!(!readme.contains(unknown), "`{unknown}` is in\n{readme}");
        }
        assert_eq!(decode_output(&run_gpuhpa(&folder, &["judge", args[0]])).0, 3);
    }
    let readme = std::fs::read_to_string(folder.0.join("verify/README.md")).expect("a README");
    assert!(readme.contains("The run did not start: no evidence about any platform."), "{readme}");
}

#[test]
fn a_run_that_leaves_something_behind_is_not_restored_in_every_output() {
    let folder = CliTempDir::new("left");
    let args = ["rehearse", "--fault", "namespace-stuck", "--report-dir", "b", "--junit", "j.xml"];
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(code == 5 && out.contains("\nPASS (REHEARSAL), NOT RESTORED: every case passed"), "{code} {out} {err}");
    let rows = case_rows(&out);
    let row = rows.iter().find(|row| row.0 == "Cleanup/Restored").expect("the case");
    assert_eq!(row.1, "NOT RESTORED", "{out}");
    let read = |name: &str| std::fs::read_to_string(folder.0.join(name)).expect("a file");
    assert!(read("j.xml").contains("<error type=\"NOT RESTORED\""), "{}", read("j.xml"));
    assert!(read("b/README.md").contains("| Cleanup/Restored | NOT RESTORED | "), "{}", read("b/README.md"));
    let report = read("b/report.html");
    assert!(report.contains("14 cases: 13 PASS, 1 NOT RESTORED.") && !report.contains(" FAIL</span>"), "the report");
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert!(code == 5 && case_rows(&out).iter().any(|row| row.1 == "NOT RESTORED"), "{code} {out}");
    let [listed, existing] = listed_and_existing_files(&folder.0.join("b"));
    assert_eq!(listed, existing);
}

/// The file that the user has edited since is worth more than a new one.
#[test]
fn init_leaves_a_file_that_exists_alone() {
    let folder = CliTempDir::new("init");
    folder.write("mine.yaml", "name: mine\n");
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["init", "-o", "mine.yaml", "--kubeconfig", "none"]));
    assert!(code == 2 && out.is_empty() && err.contains("mine.yaml exists already"), "{code} {out} {err}");
    let (code, _, err) =
        decode_output(&run_gpuhpa(&folder, &["init", "-o", "mine.yaml", "--force", "--kubeconfig", "none"]));
    assert!(code == 2 && err.contains("could not read the kubeconfig none"), "{code} {err}");
    assert_eq!(std::fs::read_to_string(folder.0.join("mine.yaml")).expect("the file"), "name: mine\n");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["init", "--extends", "nowhere.yaml"]));
    assert!(code == 2 && err.contains("nowhere.yaml"), "{code} {err}");
}

#[test]
fn every_command_says_how_to_name_a_cluster() {
    let folder = CliTempDir::new("connect");
    for args in [&["plan"][..], &["init"], &["clean", "--run-id", "20261124-101500-042"], &["verify", "--yes"]] {
        let args = [args, &["--kubeconfig", "none"]].concat();
        let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
        assert!(
            code == 2 && err.contains("could not read the kubeconfig none: No such file") && !err.contains('"'),
            "{args:?} {code} {err}"
        );
        assert!(err.contains("hint: name a kubeconfig with --kubeconfig"), "{args:?} {err}");
    }
}

#[test]
fn the_help_of_a_command_has_its_own_defaults() {
    let folder = CliTempDir::new("defaults");
    let help = |command: &str| decode_output(&run_gpuhpa(&folder, &[command, "--help"])).1;
    let (verify, rehearse, export) = (help("verify"), help("rehearse"), help("export"));
    assert!(verify.contains("[default: reports/RUN-ID]") && !verify.contains("rehearsal"), "{verify}");
    assert!(rehearse.contains("reports/rehearsal]") && !rehearse.contains("RUN-ID"), "{rehearse}");
    assert!(export.contains("export --dir <DIR> [--force] [--overwrite] <BUNDLE>"), "{export}");
}

/// The path of the home folder is redacted before the verdict, so that the verdict does not depend on it.
#[test]
fn a_bundle_without_the_home_folder_is_sound_for_every_reader() {
    let folder = CliTempDir::new("home");
    folder.write("config", "clusters: 7\n");
    let config = folder.0.join("config").display().to_string();
    let (code, _, err) =
        decode_output(&run_gpuhpa(&folder, &["verify", "--yes", "--kubeconfig", &config, "--report-dir", "b"]));
    assert!(code == 2 && err.contains("~/config") && !err.contains(&config), "{code} {err}");
    let timeline = std::fs::read_to_string(folder.0.join("b/timeline.jsonl")).expect("a timeline");
    assert!(timeline.contains("could not read the kubeconfig ~/config"), "{timeline}");
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
fn a_cluster_that_does_not_respond_is_inconclusive_and_leaves_evidence() {
    let folder = CliTempDir::new("down");
    // A port that was free a moment ago, without a listener.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{{name: x, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}]\nusers: [{{name: x, user: {{}}}}]\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n"
    );
    folder.write("config", &config);
    let args = ["verify", "--yes", "--kubeconfig", "config", "--report-dir", "b", "--junit", "j.xml"];
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(code == 3 && err.contains("could not read the version from the API server"), "{code} {err}");
    assert_eq!(junit_counts(&folder.0.join("j.xml")), (22, 22));
    let manifest = std::fs::read_to_string(folder.0.join("b/manifest.json")).expect("a manifest");
    assert!(manifest.contains("\"complete\": true") && manifest.contains("verdict.json"), "{manifest}");
    // The reason why the run did not start is recorded, so that the verdict follows from the bundle.
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert!(
        code == 3 && out.contains("INCONCLUSIVE: could not read the version from the API server"),
        "{code} {out} {err}"
    );
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
fn clean_without_a_journal_has_a_hint() {
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

/// The folder of a run: its journal and its inventory, with this key beside those that every inventory has.
fn write_run(folder: &CliTempDir, journal: &str, key: &str) {
    let report = folder.0.join("rehearsal");
    let (code, _, err) = decode_output(&run_gpuhpa(folder, &["rehearse", "--quiet", "--report-dir", "rehearsal"]));
    assert_eq!(code, 0, "{err}");
    let inventory = std::fs::read_to_string(report.join("inventory.json")).expect("an inventory");
    let mut inventory: serde_json::Value = serde_json::from_str(&inventory).expect("JSON");
    inventory.as_object_mut().expect("an object").remove("simulated");
    inventory["clusterUid"] = serde_json::json!(key);
    folder.write("inventory.json", &inventory.to_string());
    folder.write("journal.jsonl", journal);
}

#[test]
fn clean_takes_no_rehearsal_no_other_cluster_and_no_journal_that_no_run_writes() {
    let folder = CliTempDir::new("clean-origin");
    let journal = "{\"run\":\"1\",\"change\":0,\"atMs\":1,\"undone\":null}\n";
    write_run(&folder, journal, "of-the-run");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["clean", "rehearsal"]));
    assert!(code == 2 && err.contains("evidence of a rehearsal"), "{code} {err}");
    // A cluster whose namespace kube-system has another uid.
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = server.local_addr().expect("its address").port();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{{name: x, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}]\nusers: [{{name: x, user: {{}}}}]\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n"
    );
    folder.write("config", &config);
    let respond = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = server.accept().expect("a connection");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        let body = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"another"}}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{body}", body.len()).expect("a response");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["clean", ".", "--kubeconfig", "config"]));
    assert!(code == 2 && err.contains("the bundle is of another cluster"), "{code} {err}");
    assert!(respond.join().expect("a request").starts_with("GET /api/v1/namespaces/kube-system"));
    for (journal, problem) in
        [(journal.replace("\"1\"", "\"1,app=x\""), "is no id of a run"), (" ".repeat(5 << 20), "has more than")]
    {
        folder.write("journal.jsonl", &journal);
        let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["clean", "."]));
        assert!(code == 2 && err.contains(problem), "{code} {err}");
    }
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "--kubeconfig", "/dev/zero"]));
    assert!(code != 0 && err.contains("it is a device"), "{code} {err}");
}

#[test]
fn the_schema_is_json_and_has_the_scenarios_fields() {
    let folder = CliTempDir::new("schema");
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["schema"]));
    let schema: serde_json::Value = serde_json::from_str(&out).expect("the schema must be JSON");
    assert!(code == 0 && schema["properties"]["load"].is_object() && schema["properties"]["hpa"].is_object());
    let (code, out, _) = decode_output(&run_gpuhpa(&folder, &["completions", "bash"]));
    assert!(code == 0 && out.contains("_gpuhpa"));
}

/// As with `nohup` in the background of a script: the shell ignores both signals.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn a_hangup_that_was_ignored_stays_so_and_an_interrupt_ends_the_run() {
    let folder = CliTempDir::new("signals");
    // It accepts the connection and never responds.
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
        .expect("the binary must start");
    let (_open, _) = server.accept().expect("a connection");
    let signals = format!("kill -HUP {0} && kill -INT {0}", run.id());
    assert!(std::process::Command::new("sh").args(["-c", &signals]).status().expect("sh").success());
    let (code, _, err) = decode_output(&run.wait_with_output().expect("its exit"));
    assert!(code == 130 && err.contains("SIGINT: cleaning up") && !err.contains("SIGHUP"), "{code} {err}");
}

/// The lines of a run, each with its time in seconds and its text.
fn progress_lines(err: &str) -> Vec<(u64, &str)> {
    let lines = err.lines().filter_map(|line| line.strip_prefix('[')?.split_once("s] "));
    lines.filter_map(|(seconds, text)| Some((seconds.trim().parse().ok()?, text.trim()))).collect()
}

/// The rows of the table of cases: the case, its result, and the lines of its reason.
fn case_rows(out: &str) -> Vec<(String, String, Vec<String>)> {
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    let table = out.lines().skip_while(|line| !line.starts_with('╞')).skip(1).take_while(|line| !line.starts_with('└'));
    for line in table {
        let cells: Vec<String> = line.trim_matches('│').split('┆').map(|cell| cell.trim().to_owned()).collect();
        match rows.last_mut() {
            Some(row) if cells[0].is_empty() => row.2.push(cells[2].clone()),
            _ => rows.push((cells[0].clone(), cells[1].clone(), vec![cells[2].clone()])),
        }
    }
    rows
}

/// What is wrong with the lines of a healthy rehearsal of the built-in scenario.
fn faults_of_a_healthy_console(out: &str, err: &str) -> Vec<String> {
    let lines = progress_lines(err);
    let count = |text: &str| lines.iter().filter(|(_, line)| line.contains(text)).count();
    let mut faults = Vec::new();
    let mut demand = |is_met: bool, fault: String| faults.extend((!is_met).then_some(fault));
    demand(lines.len() < 45, format!("{} lines", lines.len()));
    let longest = err.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    demand(longest <= 160, format!("a line of {longest} characters"));
    let texts: std::collections::BTreeSet<&str> = lines.iter().map(|(_, text)| *text).collect();
    demand(texts.len() == lines.len(), format!("{} lines are repeated", lines.len() - texts.len()));
    demand(!err.contains("broken"), "a fault is told".to_owned());
    for change in ["1 → 2", "2 → 3", "3 → 1"] {
        let text = format!("{change} by the HPA: Pods metric gpu_utilization ");
        demand(count(&text) == 1, format!("no line `{text}`"));
    }
    demand(count(" Ready after ") == 3, "no line for each pod that became Ready".to_owned());
    demand(count("2 pods deleted: ") == 1, "no line for the deleted pods".to_owned());
    demand(count("the metrics API serves the metric") == 1, "no line for the metrics API".to_owned());
    let beats: Vec<u64> = lines.iter().filter(|(_, text)| text.starts_with("replicas ")).map(|(at, _)| *at).collect();
    demand(beats.len() > 4, format!("{} heartbeats", beats.len()));
    demand(beats.windows(2).all(|two| two[1] - two[0] >= 60), format!("heartbeats at {beats:?}"));
    let likely = "\nlikely about 15m from the HPA's creation (at least 12m15s); run ";
    demand(err.contains(likely), "no likely duration".to_owned());
    let rows = case_rows(out);
    demand(rows.len() == 14, format!("{} cases", rows.len()));
    for (case, result, reason) in rows {
        let has_reason = !reason[0].is_empty() && reason.len() <= 2;
        demand(result == "PASS" && has_reason, format!("{case}: {result} {reason:?}"));
    }
    faults
}

#[test]
fn without_a_terminal_a_healthy_run_tells_each_change_once() {
    let folder = CliTempDir::new("console");
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &["rehearse", "--report-dir", "b"]));
    assert_eq!(code, 0, "{err}");
    assert_eq!(faults_of_a_healthy_console(&out, &err), Vec::<String>::new(), "{err}\n{out}");
    let (_, judged, _) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert_eq!(case_rows(&judged), case_rows(&out));
    let plan = std::fs::read_to_string(folder.0.join("b/plan.json")).expect("a plan");
    assert!(plan.contains("\"likelyDurationMs\": 915000,"), "{plan}");
}

#[test]
fn verbose_adds_every_reason_and_quiet_leaves_the_result() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/rig/scenarios/rig.yaml");
    let folder = CliTempDir::new("verbosity");
    let rehearse = |flag: &str| {
        let output = run_gpuhpa(&folder, &["rehearse", flag, "-f", scenario, "--report-dir", "b"]);
        decode_output(&output)
    };
    let (_, _, err) = rehearse("-v");
    let reasons: Vec<u64> =
        progress_lines(&err).into_iter().filter(|(_, text)| text.starts_with("replicas ")).map(|(at, _)| at).collect();
    assert!(reasons.len() > 30 && reasons.windows(2).all(|two| two[1] - two[0] >= 2), "{reasons:?}");
    assert!(err.contains("first broken hop: ") && err.contains("at most 43m"), "{err}");
    assert!(err.contains("deleting Lease"), "{err}");
    let (_, out, err) = rehearse("-q");
    assert!(out.contains("PASS (REHEARSAL"), "{out}");
    let lines: Vec<&str> = err.lines().collect();
    assert!(
        matches!(&lines[..], [evidence, stamp] if evidence.starts_with("evidence: ") && stamp.starts_with("REHEARSAL: ")),
        "{err}"
    );
}

/// As [`run_gpuhpa`], with stdout into a device that is always full.
#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn run_with_full_stdout(folder: &CliTempDir, args: &[&str]) -> (i32, String) {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("the device must exist");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
        .args(args)
        .current_dir(&folder.0)
        .stdin(std::process::Stdio::null())
        .stdout(full)
        .output()
        .expect("the binary must start");
    let (code, _, err) = decode_output(&output);
    (code, err)
}

#[test]
fn data_that_cannot_be_written_is_an_error_of_every_command() {
    let folder = CliTempDir::new("fullstdout");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["rehearse", "-q", "--report-dir", "b"]));
    assert_eq!(code, 0, "{err}");
    let commands: [&[&str]; 11] = [
        &["--help"],
        &["judge", "--help"],
        &["--version"],
        &["schema"],
        &["completions", "bash"],
        &["plan", "-o", "yaml"],
        &["judge", "b"],
        &["judge", "-o", "json", "b"],
        &["judge", "--diff", "b", "b"],
        &["rehearse", "--set", "list"],
        &["rehearse", "-q", "--report-dir", "c"],
    ];
    for args in commands {
        let (code, err) = run_with_full_stdout(&folder, args);
        assert!(code == 70 && err.matches("error: could not write to stdout: ").count() == 1, "{args:?} {code} {err}");
    }
    // The evidence itself is there, and says PASS.
    assert_eq!(junit_counts(&folder.0.join("c/junit.xml")), (22, 0));
}

#[test]
fn a_junit_file_that_cannot_be_written_is_an_error() {
    let folder = CliTempDir::new("badjunit");
    folder.write("file", "");
    for path in ["/dev/full", "file/junit.xml"] {
        let args = ["rehearse", "-q", "--report-dir", "b", "--junit", path];
        let (code, out, err) = decode_output(&run_gpuhpa(&folder, &args));
        assert!(code == 70 && out.contains("PASS") && err.contains("could not write evidence to "), "{code} {err}");
    }
    // A folder is seen before the run.
    let args = ["rehearse", "-q", "--report-dir", "c", "--junit", "."];
    let (code, out, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(
        code == 70 && out.is_empty() && err.contains("is a folder") && !folder.0.join("c").exists(),
        "{code} {err}"
    );
    // So it is where the run does not start.
    let args = ["verify", "--yes", "-f", "none.yaml", "--junit", "/dev/full"];
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
    assert!(code == 70 && err.contains("none.yaml: could not be read"), "{code} {err}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn a_pipe_without_an_other_end_ends_in_an_error() {
    let folder = CliTempDir::new("pipes");
    for name in ["in", "extended", "key", "kubeconfig", "junit.xml", "ca"] {
        let made = std::process::Command::new("mkfifo").arg(folder.0.join(name)).status();
        assert!(made.expect("mkfifo must start").success());
    }
    folder.write("mine.yaml", "extends: extended\n");
    let context = "contexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n";
    let cluster = "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', certificate-authority: ca}}]\n";
    folder.write(
        "config",
        &format!("apiVersion: v1\nkind: Config\n{cluster}{context}users: [{{name: u, user: {{}}}}]\n"),
    );
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["plan", "-f", "in"],
            2,
            "in: could not be read: it is no regular file, and did not come to its end within 10 s",
        ),
        (&["plan", "-f", "mine.yaml"], 2, "it is no regular file; mine.yaml:1:10 extends it"),
        (&["judge", "b", "--verify-key", "key"], 2, "key: the key could not be read: it is no regular file"),
        (&["plan", "--kubeconfig", "kubeconfig"], 2, "could not read the kubeconfig kubeconfig: it is no regular file"),
        (&["plan", "--kubeconfig", "config"], 2, "ca, which the kubeconfig names, is no regular file"),
        (&["rehearse", "-f", "none.yaml", "--junit", "junit.xml"], 70, "junit.xml is a pipe; nothing was changed"),
    ];
    // At once: three of them wait for a writer.
    let runs: Vec<(i32, String, String)> = std::thread::scope(|scope| {
        let here = &folder;
        let started = cases.map(|(args, ..)| scope.spawn(move || decode_output(&run_gpuhpa(here, args))));
        started.into_iter().map(|run| run.join().expect("the run")).collect()
    });
    for ((args, exit, told), (code, out, err)) in cases.iter().zip(&runs) {
        assert!(code == exit && out.is_empty() && err.contains(told), "{args:?} {code} {err}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn a_closed_pipe_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa")).arg("schema").stdout(writer).output();
    let (code, _, err) = decode_output(&run.expect("the binary must start"));
    assert!(code == 0 && err.is_empty(), "{code} {err}");
}

/// As [`run_gpuhpa`], with this file as stdin.
#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn run_with_stdin(folder: &CliTempDir, args: &[&str], stdin: &Path) -> (i32, String, String) {
    let stdin = std::fs::File::open(stdin).expect("the file must exist");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
        .args(args)
        .current_dir(&folder.0)
        .stdin(stdin)
        .output();
    decode_output(&run.expect("the binary must start"))
}

#[test]
fn a_scenario_and_an_archive_are_read_from_stdin() {
    let folder = CliTempDir::new("stdin");
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/ollama-gpu-utilization.yaml");
    let over = folder.write("over.yaml", "name: from-stdin\n");
    let plan = |args: &[&str]| run_with_stdin(&folder, &[&["plan", "-o", "yaml", "-f", default], args].concat(), &over);
    let (code, out, err) = plan(&["-f", "-"]);
    assert!(code == 0 && out.contains("name: from-stdin"), "{code} {err}");
    let (code, _, err) = plan(&["-f", "-", "-f", "-"]);
    assert!(code == 2 && err.contains("stdin can be read once"), "{code} {err}");
    let wrong = folder.write("wrong.yaml", "name: a\nnaem: b\n");
    let (code, _, err) = run_with_stdin(&folder, &["plan", "-o", "yaml", "-f", "-"], &wrong);
    assert!(code == 2 && err.contains("stdin:2:1: "), "{code} {err}");
    let (code, _, err) = run_with_stdin(&folder, &["plan", "-o", "yaml", "-f", "-"], Path::new("/dev/zero"));
    assert!(code == 2 && err.contains("stdin: could not be read: it has more than"), "{code} {err}");
    assert_eq!(decode_output(&run_gpuhpa(&folder, &["rehearse", "-q", "--report-dir", "b"])).0, 0);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("b", folder.0.join("b")).expect("an archive");
    let tar = tar.into_inner().expect("an archive");
    let zst = zstd::encode_all(&tar[..], 3).expect("an archive");
    for (name, bytes) in [("b.tar", &tar), ("b.tar.zst", &zst)] {
        std::fs::write(folder.0.join(name), bytes).expect("an archive");
        let (code, out, err) = run_with_stdin(&folder, &["judge", "-"], &folder.0.join(name));
        assert!(code == 0 && out.contains("PASS"), "{name} {code} {err}");
        // Wherever an archive is cut, it is damaged and no wrong path.
        for kept in [0, 100, 600, bytes.len() / 2, bytes.len() - bytes.len() / 4] {
            let cut = folder.0.join(format!("cut-{name}"));
            std::fs::write(&cut, &bytes[..kept]).expect("an archive");
            let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["judge", &cut.display().to_string()]));
            assert!(code == 6 && err.contains("hint: the bundle is damaged"), "{name} {kept} {code} {err}");
        }
    }
    let (code, _, err) = run_with_stdin(&folder, &["judge", "-"], Path::new("/dev/zero"));
    assert!(code == 2 && err.contains("stdin is neither"), "{code} {err}");
}

#[test]
fn numbers_of_the_command_line_and_of_a_bundle_have_limits() {
    let folder = CliTempDir::new("limits");
    let usage = |args: &[&str], told: &str| {
        let (code, _, err) = decode_output(&run_gpuhpa(&folder, args));
        assert!(code == 2 && err.contains(told), "{args:?} {code} {err}");
    };
    usage(&["rehearse", "--sweep", "concurrency=1..2", "--for", "100000h"], "is not from 1s to 1440m");
    usage(&["rehearse", "--sweep", "concurrency=1..900", "--for", "24h"], "the limit of gpuhpa");
    usage(&["rehearse", "--sweep", "concurrency=4294967000..4294967200"], "at most 10000");
    usage(&["clean", "b", "--timeout", "100000h"], "is not from 1s to 1440m");
    usage(&["judge", "b", "--verify-key", "/dev/zero"], "/dev/zero: the key could not be read: it has more than");
    folder.write("huge.yaml", "hpa: {spec: {maxReplicas: 1000000}}\n");
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/ollama-gpu-utilization.yaml");
    usage(&["rehearse", "-f", default, "-f", "huge.yaml"], "huge.yaml:1:27: hpa.spec.maxReplicas: is 1000000, outside");
    assert_eq!(decode_output(&run_gpuhpa(&folder, &["rehearse", "-q", "--report-dir", "b"])).0, 0);
    let path = folder.0.join("b/scenario.yaml");
    let text = std::fs::read_to_string(&path).expect("a scenario");
    std::fs::write(&path, text.replace("maxReplicas: 3", "maxReplicas: 2147483647")).expect("a scenario");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["judge", "b"]));
    assert!(code == 6 && err.contains("hpa.spec.maxReplicas: is 2147483647, outside 1..=1000"), "{code} {err}");
}

/// What the simulator lacks is no fault of the cluster, so no rehearsal begins that would blame it.
#[test]
fn a_rehearsal_names_all_that_the_simulator_does_not_have() {
    let folder = CliTempDir::new("unsupported");
    let lacks = "extends: builtin://ollama-gpu-utilization.yaml\n\
        releases:\n  ollama: {values: {ollama: {gpu: {draEnabled: true, draExistingClaimTemplate: mine}}}}\n\
        metric: {exporter: {metricName: gpu_package_power}}\n";
    folder.write("mine.yaml", lacks);
    for args in [
        &["rehearse", "-f", "mine.yaml", "--report-dir", "b", "--junit", "j.xml"][..],
        &["rehearse", "-f", "mine.yaml", "--sweep", "concurrency=1..2"],
    ] {
        let (code, _, err) = decode_output(&run_gpuhpa(&folder, args));
        let named = [
            "resource claims (DRA): the value ollama.gpu.draExistingClaimTemplate",
            "gpu_package_power (metric.exporter.metricName)",
        ];
        assert_eq!(code, 2, "{err}");
        assert!(
            named.iter().all(|text| err.contains(text)) && err.contains("hint: rehearse the scenario without"),
            "{err}"
        );
    }
    assert!(!folder.0.join("b").exists() && folder.0.join("j.xml").exists(), "a pipeline gets its JUnit file");
    // Of a series alone the plan may say more: why no cluster can pass.
    let series = "extends: builtin://ollama-gpu-utilization.yaml\nmetric: {exporter: {metricName: gpu_package_power}";
    for (metric, text) in
        [(", range: [0, 100]}", "the series gpu_package_power"), (", range: [0, 1]}", "can never reach 2 replicas")]
    {
        folder.write("mine.yaml", &format!("{series}{metric}\n"));
        let (code, _, err) =
            decode_output(&run_gpuhpa(&folder, &["rehearse", "-q", "-f", "mine.yaml", "--report-dir", "b"]));
        assert!(code == 2 && err.contains(text), "{code} {err}");
        assert_eq!(decode_output(&run_gpuhpa(&folder, &["judge", "b"])).0, 3);
    }
}

/// An adopted HPA is in the cluster: without one, `hpa.spec` stands for it.
#[test]
fn an_adopted_hpa_is_planned_offline_by_the_spec_that_is_stated() {
    let folder = CliTempDir::new("adopt-offline");
    folder.write("mine.yaml", "extends: builtin://ollama-gpu-utilization.yaml\nadopt: {hpa: theirs}\n");
    let (code, out, err) =
        decode_output(&run_gpuhpa(&folder, &["plan", "--offline", "-f", "mine.yaml", "--helm", "/no/helm"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("adopt, without changes, HorizontalPodAutoscaler gpuhpa/theirs"), "{err}");
    assert!(err.contains("nothing of this exists yet but what is adopted"), "{err}");
    assert!(out.contains("HPA theirs, which the scenario adopts"), "{out}");
    folder.write("alone.yaml", "adopt: {hpa: theirs}\nload: {model: m}\n");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "--offline", "-f", "alone.yaml"]));
    assert!(
        code == 2 && err.contains("the adopted HPA theirs, which is in the cluster, is not known without it"),
        "{err}"
    );
    assert!(err.contains("hint: state its spec as `hpa.spec` beside `adopt`"), "{err}");
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["rehearse", "-f", "alone.yaml", "--report-dir", "r"]));
    let refused =
        "error: this scenario cannot be rehearsed: the simulator does not know the spec of the adopted HPA theirs";
    assert!(code == 2 && err.contains(refused), "{err}");
    let max = "extends: builtin://ollama-gpu-utilization.yaml\nadopt: {hpa: theirs}\nhpa: {spec: {maxReplicas: 1}}\n";
    folder.write("max.yaml", max);
    let (code, _, err) = decode_output(&run_gpuhpa(&folder, &["plan", "--offline", "-f", "max.yaml"]));
    assert!(code == 2 && err.contains("which cannot be tested: hpa.spec.maxReplicas: is 1"), "{err}");
}

/// What is not known has no number, and what the scenario states was not read from anywhere.
#[test]
fn a_plan_without_a_cluster_names_no_size_of_an_unknown_range_and_nothing_as_read() {
    let folder = CliTempDir::new("unknown-range");
    folder.write("mine.yaml", "extends: builtin://ollama-gpu-utilization.yaml\nmetric: {profile: null}\n");
    let plan = |file: &str| {
        let output = run_gpuhpa(&folder, &["plan", "--offline", "-f", file, "--helm", "/no/helm"]);
        let (code, out, err) = decode_output(&output);
        assert_eq!(code, 0, "{err}");
        out
    };
    let out = plan("mine.yaml");
    let row = out.lines().find(|line| line.contains("replicas that the metric can reach")).expect("a row");
    assert!(row.contains("unknown: the metric's range is not known") && !row.contains(" 1 "), "{row}");
    assert!(out.contains("window 5m (stated)") && !out.contains("(read)"), "{out}");
    folder.write("known.yaml", "extends: builtin://ollama-gpu-utilization.yaml\n");
    assert!(plan("known.yaml").contains("1 → 2 → 3"));
}

/// Whatever file or folder of whatever command cannot be used: what, where, and what to do next.
#[test]
fn every_path_that_cannot_be_used_has_a_hint() {
    let folder = CliTempDir::new("hints");
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: one\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
        users: [{name: u, user: {token: x}}]\ncontexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: u}}]\n";
    folder.write("kubeconfig", kubeconfig);
    folder.write("half.yaml", "load: {concurrency: 3}\n");
    folder.write("loop.yaml", "extends: loop.yaml\n");
    folder.write("base.yaml", "extends: nowhere.yaml\n");
    folder.write("key.pem", "no key");
    std::fs::create_dir_all(folder.0.join("full")).expect("a folder");
    folder.write("full/file", "");
    let cases: [(&str, &str, &str); 22] = [
        ("plan -f nowhere.yaml", "nowhere.yaml: could not be read", "check the path of -f"),
        ("plan -f base.yaml", "base.yaml:1:10 extends it", "check the path of extends"),
        ("plan -f loop.yaml", "loop.yaml: extends itself", "let the first file extend no other"),
        ("plan -f .", "it is a folder", "name a file in it"),
        ("verify -f nowhere.yaml --yes", "nowhere.yaml: could not be read", "check the path of -f"),
        ("verify --yes --sign nowhere.pem", "nowhere.pem: the key could not be read", "openssl genpkey"),
        ("verify --yes --report-dir full", "the directory is not empty", "name another folder with --report-dir"),
        (
            "verify --yes --report-dir a --kubeconfig nowhere",
            "kubeconfig nowhere: No such file",
            "that exists and that kubectl can use",
        ),
        ("rehearse -f nowhere.yaml", "nowhere.yaml: could not be read", "check the path of -f"),
        ("rehearse --report-dir full", "the directory is not empty", "name another folder with --report-dir"),
        ("rehearse --set nonsense=1", "--set", "gpuhpa rehearse --set list"),
        ("init --extends nowhere.yaml", "the scenario of --extends, nowhere.yaml, cannot be loaded", "check the path"),
        ("init --extends half.yaml", "hpa.spec.scaleTargetRef: must name", "a whole scenario by itself"),
        ("init -o nowhere/mine.yaml", "cannot write nowhere/mine.yaml", "a folder that exists"),
        ("init --kubeconfig kubeconfig --context three", "has no context `three`; it has one, two", "--context"),
        ("plan", "no cluster configured", "without a cluster there are `gpuhpa rehearse` and `gpuhpa plan --offline`"),
        ("judge nowhere", "nowhere: could not be read", "name a folder that verify has written"),
        ("judge --verify-key nowhere.pem full", "nowhere.pem: the key could not be read", "the signer's public key"),
        ("judge --verify-key key.pem full", "key.pem: the key is not a PEM", "openssl pkey -in KEY -pubout"),
        ("clean nowhere", "nowhere/journal.jsonl", "name the folder of a run"),
        ("export nowhere --dir acme", "a product's directory is vX.Y/<dir>", "github.com/cncf/k8s-ai-conformance"),
        ("export --check acme", "a product's directory is vX.Y/<dir>", "github.com/cncf/k8s-ai-conformance"),
    ];
    for (line, what, hint) in cases {
        let (code, out, err) = decode_output(&run_gpuhpa(&folder, &line.split(' ').collect::<Vec<_>>()));
        assert!((code, out.as_str()) == (2, "") && err.contains(what), "{line}: {code} {out}{err}");
        let hints: Vec<&str> = err.lines().filter(|line| line.contains("hint: ")).collect();
        assert!(!hints.is_empty() && err[err.find("hint: ").unwrap_or(0)..].contains(hint), "{line}: {err}");
    }
}

/// An API server that does not answer is the same for every command that asks it for a verdict or a plan, and --help says so.
#[test]
fn an_api_server_that_does_not_answer_has_one_exit_code() {
    let folder = CliTempDir::new("unreachable");
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: one\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
        users: [{name: u, user: {token: x}}]\ncontexts: [{name: one, context: {cluster: c, user: u}}]\n";
    folder.write("kubeconfig", kubeconfig);
    for line in ["plan", "init", "verify --yes --report-dir v"] {
        let args: Vec<&str> = line.split(' ').chain(["--kubeconfig", "kubeconfig"]).collect();
        let (code, _, err) = decode_output(&run_gpuhpa(&folder, &args));
        assert!(code == 3 && err.contains("hint: is the cluster reachable"), "{line}: {code} {err}");
    }
    let help = |command: &str| decode_output(&run_gpuhpa(&folder, &[command, "--help"])).1;
    for command in ["plan", "init"] {
        assert!(help(command).replace('\n', " ").contains("with 3 if the API server cannot be read"), "{command}");
    }
    let (code, ..) = decode_output(&run_gpuhpa(
        &folder,
        &["clean", "--run-id", "20261124-101500-042", "--timeout", "1s", "--kubeconfig", "kubeconfig"],
    ));
    assert_eq!(code, 5, "whether anything is left is not known");
    assert!(help("clean").contains("Exits with 5 if something is left, or the API server cannot be read"));
}
