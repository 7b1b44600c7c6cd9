//! README.md of a bundle: result, cases, files, and how to reproduce the run.

use super::finished_run::FinishedRun;
use crate::units::HumanDuration;

pub(super) fn render_readme(run: &FinishedRun<'_>) -> String {
    let sections = [head(run), cases(run), time_and_load(run), FILE_LIST.to_owned(), reproduce(run)];
    sections.join("\n")
}

fn head(run: &FinishedRun<'_>) -> String {
    let FinishedRun { scenario, plan, verdict, .. } = run;
    let mut out = format!("# {}: {}\n\n{}.\n\n", verdict.suite, verdict.title(), verdict.reason);
    out += &format!("Run {} of scenario {}: {}\n", plan.run, scenario.name, scenario.description);
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
        out += &format!("| {} | {} | {} |\n", case.name, case.result.as_str(), table_cell(&case.reason));
    }
    let findings = cases.iter().flat_map(|case| case.findings.iter().map(move |finding| (&case.name, finding)));
    let findings: String = findings.map(|(case, finding)| format!("- {case}: {}\n", table_cell(finding))).collect();
    if !findings.is_empty() {
        out += &format!("\n## Findings\nFindings do not change a result.\n\n{findings}");
    }
    out
}

fn time_and_load(run: &FinishedRun<'_>) -> String {
    let verdict = run.verdict;
    let mut out = format!(
        "## Time\nThe run took {} from the start of its first phase; the part from the HPA's creation on takes at least {}.\n",
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
    let mut out = format!(
        "## How to reproduce\n- Kubernetes {} at {} (context {})\n- {}, helm {}\n",
        inventory.kubernetes_version,
        inventory.server,
        inventory.kube_context,
        inventory.gpuhpa_build(),
        inventory.helm_version
    );
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
    let statement = inventory.evidence_statement();
    out + &format!("\n{statement} Only the programme's review certifies a platform.\n")
}

const FILE_LIST: &str = "\
## How to read this folder
- `scenario.yaml`: the scenario with every default filled in
- `inventory.json`: state of the cluster before the first change
- `plan.json`: the planned changes, and every time bound with its terms
- `journal.jsonl`: each change, written before it is tried, and its outcome
- `timeline.jsonl`: every observation; cases cite its `seq`; `atMs` is milliseconds since `started` in `inventory.json`
- `requests.jsonl.zst`, `load.json`: every request of the load, and their summary
- `verdict.json`: the cases; `junit.xml`, `results.json`, `e2e.log`: the same in the formats of JUnit, `go test -json` and `go test -v`
- `report.html`: everything in one self-contained page
- `diagnostics/`: objects, events and logs, collected before the clean-up of a run that did not pass
- `manifest.json`: sha256 of each file. Digests detect corruption, not forgery.
";

/// Text for a cell of a Markdown table.
fn table_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
