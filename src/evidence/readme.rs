//! README.md of a bundle: result, cases, files, and how to reproduce the run.

use super::finished_run::FinishedRun;
use crate::units::HumanDuration;

pub(super) fn render_readme(run: &FinishedRun<'_>, has_diagnostics: bool) -> String {
    let sections = [head(run), cases(run), time_and_load(run), list_files(run, has_diagnostics), reproduce(run)];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(run: &FinishedRun<'_>) -> String {
    let FinishedRun { scenario, plan, verdict, .. } = run;
    let mut out = format!("# {}: {}\n\n{}.\n\n", verdict.suite, verdict.title(), verdict.reason);
    let description =
        if scenario.description.is_empty() { String::new() } else { format!(": {}", scenario.description) };
    out += &format!("Run {} of scenario {}{description}\n", plan.run, scenario.name);
    for declared in &scenario.declares {
        out += &format!("- **Declared:** {declared}\n");
    }
    for stamp in verdict.stamps() {
        out += &format!("\n**{}:** {}.\n", stamp.as_str(), stamp.explanation());
    }
    out
}

fn cases(run: &FinishedRun<'_>) -> String {
    let cases = &run.verdict.cases;
    let mut out = "| case | result | reason |\n|---|---|---|\n".to_owned();
    for case in cases {
        out += &format!("| {} | {} | {} |\n", case.name, case.result_label(), table_cell(&case.reason));
    }
    let findings = cases.iter().flat_map(|case| case.findings.iter().map(move |finding| (&case.name, finding)));
    let findings: String = findings.map(|(case, finding)| format!("- {case}: {}\n", table_cell(finding))).collect();
    if !findings.is_empty() {
        out += &format!("\n## Findings\nFindings do not change a result.\n\n{findings}");
    }
    out
}

fn time_and_load(run: &FinishedRun<'_>) -> String {
    if run.did_not_start() {
        return String::new();
    }
    let verdict = run.verdict;
    let mut out = format!(
        "## Time\nThe run took {} from the start of its first phase. A complete run takes at least {} from the HPA's creation on.\n",
        HumanDuration::from_ms(verdict.duration_ms / 1000 * 1000),
        HumanDuration::from_ms(verdict.min_duration_ms)
    );
    if let Some(load) = run.load {
        let outcomes: Vec<String> = load.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        out += &format!(
            "\n## Load\n{} workers, {} requests ({}), {} tokens; time to first token p50 {} ms, p99 {} ms.\n",
            load.concurrency,
            load.requests,
            outcomes.join(", "),
            load.tokens,
            load.ttft_us.p50 / 1000,
            load.ttft_us.p99 / 1000
        );
    }
    out
}

fn reproduce(run: &FinishedRun<'_>) -> String {
    let FinishedRun { scenario, inventory, .. } = run;
    let mut out = "## How to reproduce\n".to_owned();
    if let Some(platform) = inventory.platform() {
        out += &format!("- {platform}\n");
    }
    for node in inventory.describe_accelerator_nodes() {
        out += &format!("- node {node}\n");
    }
    out += &format!("- {}\n", inventory.tool_versions());
    for (name, chart) in &inventory.charts {
        out += &format!(
            "- release {name}: chart {} {} (app {}), rendered manifests sha256 {}\n",
            chart.name, chart.version, chart.app_version, chart.rendered_digest
        );
    }
    out += &format!("\n```\n{}\n```\n", inventory.reproduce_command());
    if scenario.releases.values().any(|release| release.chart.starts_with(['.', '/'])) {
        out += "\nLocal charts are not in this folder: set their path in a file that `extends: scenario.yaml`.\n";
    }
    let statement = run.evidence_statement();
    out + &format!("\n{statement} Only the programme's review certifies a platform.\n")
}

/// The files of the bundle. It may be signed later, so the signature alone is listed as a possibility.
fn list_files(run: &FinishedRun<'_>, has_diagnostics: bool) -> String {
    let lines = [
        (true, "`scenario.yaml`: the scenario with every default filled in"),
        (true, "`inventory.json`: state of the cluster before the first change"),
        (true, "`plan.json`: the planned changes, and every time bound with its terms"),
        (!run.journal.is_empty(), "`journal.jsonl`: each change, written before it is tried, and its outcome"),
        (
            !run.timeline.is_empty(),
            "`timeline.jsonl`: every observation; cases cite its `seq`; `atMs` is milliseconds since `started` in `inventory.json`",
        ),
        (run.load.is_some(), "`requests.jsonl.zst`, `load.json`: every request of the load, and their summary"),
        (
            true,
            "`verdict.json`: the cases; `junit.xml`, `results.json`, `e2e.log`: the same in the formats of JUnit, `go test -json` \
             and `go test -v`",
        ),
        (true, "`report.html`: everything in one self-contained page"),
        (
            has_diagnostics,
            "`diagnostics/`: objects, events and logs, collected before the clean-up, since the run did not pass",
        ),
        (true, "`manifest.json`: sha256 of each file. Digests detect corruption, not forgery."),
        (true, "`manifest.sig`: the signature of `manifest.json`. Without this file the bundle is not signed."),
    ];
    let listed = lines.iter().filter(|(exists, _)| *exists).map(|(_, line)| format!("- {line}\n"));
    format!("## How to read this folder\n{}", listed.collect::<String>())
}

/// Text for a cell of a Markdown table.
fn table_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
