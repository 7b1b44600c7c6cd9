//! README.md of a bundle: what it shows, how to read it, how to repeat it.

use super::FinishedRun;
use crate::units::HumanDuration;

pub(super) fn render_readme(ending: &FinishedRun<'_>) -> String {
    let sections = [head(ending), cases(ending), time_and_load(ending), FILE_LIST.to_owned(), reproduce(ending)];
    sections.join("\n")
}

fn head(ending: &FinishedRun<'_>) -> String {
    let FinishedRun { scenario, plan, verdict, .. } = ending;
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

fn cases(ending: &FinishedRun<'_>) -> String {
    let cases = &ending.verdict.cases;
    let mut out = "| case | result | why |\n|---|---|---|\n".to_owned();
    for case in cases {
        out += &format!("| {} | {} | {} |\n", case.name, case.result.as_str(), table_cell(&case.reason));
    }
    let findings = cases.iter().flat_map(|case| case.findings.iter().map(move |finding| (&case.name, finding)));
    let findings: String = findings.map(|(case, finding)| format!("- {case}: {}\n", table_cell(finding))).collect();
    if !findings.is_empty() {
        out += &format!("\n## Findings\nNoticed, and not deciding.\n\n{findings}");
    }
    out
}

fn time_and_load(ending: &FinishedRun<'_>) -> String {
    let verdict = ending.verdict;
    let mut out = format!(
        "## Time\nThe run took {} from its first phase; nothing could make the part from the HPA on shorter than {}.\n",
        HumanDuration::from_ms(verdict.duration_ms / 1000 * 1000),
        HumanDuration::from_ms(verdict.min_duration_ms)
    );
    if let Some(load) = ending.load {
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

fn reproduce(ending: &FinishedRun<'_>) -> String {
    let FinishedRun { scenario, inventory, .. } = ending;
    let mut out = format!(
        "## How to reproduce\n- Kubernetes {} at {} (context {})\n- gpuhpa {}, helm {}\n",
        inventory.kubernetes_version,
        inventory.server,
        inventory.kube_context,
        inventory.gpuhpa_version,
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
        out +=
            "\nA chart that is a path is not in this folder: name it anew in a file that `extends: scenario.yaml`.\n";
    }
    let is = inventory.evidence_statement();
    out + &format!("\nOnly the programme's own review certifies a platform; this is {is}.\n")
}

const FILE_LIST: &str = "\
## How to read this folder
- `scenario.yaml`: the scenario with every default filled in
- `inventory.json`: what was found before the first change
- `plan.json`: what was going to be done, and every bound with its terms
- `journal.jsonl`: each change, written before it was tried, and what became of it
- `timeline.jsonl`: every observation; `seq` is what the cases cite, `atMs` counts from `inventory.json`'s `started`
- `requests.jsonl.zst`, `load.json`: every request of the load, and their sum
- `verdict.json`: the cases; `junit.xml`, `results.json`, `e2e.log`: the same as JUnit, `go test -json` and `go test -v`
- `report.html`: all of it to look at, in any browser; it asks for nothing from elsewhere
- `diagnostics/`: objects, events and logs, taken before the clean-up of a run that did not pass
- `manifest.json`: sha256 of each file. Digests show accidents, not forgery.
";

/// Text for one cell of a table.
fn table_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
