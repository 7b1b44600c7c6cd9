//! README.md of a bundle: what it shows, how to read it, how to repeat it.

use std::fmt::Write;

use super::Ending;
use crate::record::verdict::CaseResult;
use crate::units::Span;

pub(super) fn readme(ending: &Ending<'_>) -> String {
    let Ending { scenario, inventory, plan, verdict, load } = ending;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let mut line = |text: &str| {
        let _ = writeln!(out, "{text}");
    };
    line(&format!("# {}: {}", verdict.suite, verdict.title()));
    line("");
    line(&format!("{}.", verdict.reason));
    line("");
    line(&format!("Run {} of scenario {}: {}", plan.run, scenario.name, scenario.description));
    for declared in &scenario.declares {
        line(&format!("- **Declared:** {declared}"));
    }
    line("");
    line("| case | result | why |");
    line("|---|---|---|");
    for case in &verdict.cases {
        line(&format!("| {} | {} | {} |", case.name, case.result.word(), cell(&case.reason)));
    }
    let findings: Vec<_> = verdict.cases.iter().flat_map(|c| c.findings.iter().map(move |f| (&c.name, f))).collect();
    if !findings.is_empty() {
        line("\n## Findings\nNoticed, and not deciding.\n");
        findings.iter().for_each(|(case, finding)| line(&format!("- {case}: {}", cell(finding))));
    }
    line("\n## Time");
    line(&format!(
        "The run took {} from its first phase; nothing could make the part from the HPA on shorter than {}.",
        Span::from_ms(verdict.took_ms / 1000 * 1000),
        Span::from_ms(verdict.least_ms)
    ));
    if let Some(load) = load {
        let outcomes: Vec<String> = load.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        line(&format!(
            "\n## Load\n{} workers, {} requests ({}), {} tokens; time to first token p50 {} ms, p99 {} ms.",
            load.concurrency,
            load.requests,
            outcomes.join(", "),
            load.tokens,
            load.ttft_us.p50 / 1000,
            load.ttft_us.p99 / 1000
        ));
    }
    line("\n## How to read this folder");
    line(FILES);
    line("## How to reproduce");
    line(&format!("- Kubernetes {} at {} (context {})", inventory.kubernetes, inventory.server, inventory.context));
    line(&format!("- gpuhpa {}, helm {}", inventory.gpuhpa, inventory.helm));
    for (name, chart) in &inventory.charts {
        line(&format!(
            "- release {name}: chart {} {} (app {}), rendered manifests sha256 {}",
            chart.name, chart.version, chart.app_version, chart.rendered_digest
        ));
    }
    line("\n```\ngpuhpa verify -f scenario.yaml\n```");
    if scenario.releases.values().any(|release| release.chart.starts_with(['.', '/'])) {
        line("\nA chart that is a path is not in this folder: name it anew in a file that `extends: scenario.yaml`.");
    }
    line("\nOnly the programme's own review certifies a platform; this is evidence for it.");
    if verdict.result == CaseResult::Pass && verdict.stand_in {
        line("\n**STAND-IN:** the accelerators of this cluster are stand-ins. This is no evidence about accelerators.");
    }
    super::redact(&out)
}

const FILES: &str = "\
- `scenario.yaml`: the scenario with every default filled in
- `inventory.json`: what was found before the first change
- `plan.json`: what was going to be done, and every bound with its terms
- `journal.jsonl`: each change, written before it was tried, and what became of it
- `timeline.jsonl`: every observation; `seq` is what the cases cite, `at_ms` counts from `inventory.json`'s `started`
- `requests.jsonl.zst`, `load.json`: every request of the load, and their sum
- `verdict.json`, `junit.xml`: the cases
- `diagnostics/`: objects, events and logs, taken before the clean-up of a run that did not pass
- `manifest.json`: sha256 of each file. Digests show accidents, not forgery.
";

/// Text for one cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
