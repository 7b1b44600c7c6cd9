//! README.md of a submission: cases, test setup, layers, and how to reproduce the run.

use super::requirement::DESCRIPTION;
use super::{COPIED_FILES, DISCLAIMER, PLACEHOLDER, Submission, single_line};
use crate::model::manifest::{MANIFEST_FILE, SIGNATURE_FILE, sha256_hex};
use crate::model::scenario::{ReleaseSpec, StoreSpec};
use crate::units::HumanDuration;

pub(super) fn render_readme(submission: &Submission<'_>) -> String {
    [head(submission), case_table(submission), test_setup(submission), layers(submission), reproduce(submission)]
        .join("\n")
}

fn head(submission: &Submission<'_>) -> String {
    let (verdict, bundle) = (submission.verdict, submission.bundle);
    let mut out = format!("# pod_autoscaling: {}\n\n", escape_markdown(&verdict.title()));
    for mark in submission.forced_marks() {
        out += &format!("**{}**\n\n", escape_markdown(&mark));
    }
    out += &format!("> {DESCRIPTION}\n\n{DISCLAIMER}\n\n");
    out += &format!(
        "Run {} by {} on {}, started {}, took {}: {}.\n",
        escape_markdown(&bundle.manifest.run),
        escape_markdown(&bundle.inventory.gpuhpa_build()),
        escape_markdown(&bundle.inventory.kubernetes()),
        bundle.inventory.started.strftime("%F %T UTC"),
        HumanDuration::from_ms(verdict.duration_ms / 1000 * 1000),
        escape_markdown(&verdict.reason)
    );
    let manifest = bundle.raw_files.get(MANIFEST_FILE).map(|text| sha256_hex(text)).unwrap_or_default();
    out += &format!(
        "The sha256 of the bundle's manifest.json is `{manifest}`; `gpuhpa judge` derives the verdict again from the \
         bundle's observations.\n"
    );
    if submission.has_older_rules() {
        out += &format!(
            "The run was recorded under rules {}. Results and texts in this folder are derived from its observations under rules \
             {}, which give each case the same result.\n",
            bundle.manifest.rules, verdict.rules
        );
    }
    if submission.is_unmodified() {
        out += &format!("That manifest.json is in this folder, and has the sha256 of {}.\n", COPIED_FILES.join(", "));
    }
    out + match submission.bundle.raw_files.contains_key(SIGNATURE_FILE) {
        true => {
            "The bundle is signed: get the public key through another channel, and run `gpuhpa judge --verify-key`.\n"
        }
        false => "The bundle is not signed: digests detect corruption, not forgery.\n",
    }
}

fn case_table(submission: &Submission<'_>) -> String {
    let mut out = "## Cases\n| case | result | reason |\n|---|---|---|\n".to_owned();
    for case in &submission.verdict.cases {
        out += &format!(
            "| {} | {} | {} |\n",
            escape_markdown(&case.name),
            case.result_label(),
            escape_markdown(&case.reason)
        );
    }
    for declared in &submission.bundle.scenario.declares {
        out += &format!("\n**Declared:** {}\n", escape_markdown(declared));
    }
    out
}

fn test_setup(submission: &Submission<'_>) -> String {
    let bundle = submission.bundle;
    let load = &bundle.scenario.load;
    let spec = serde_saphyr::to_string(&bundle.scenario.hpa.spec).unwrap_or_default();
    let mut out = format!(
        "## Test setup\nScenario {}: {}\n\nThe HPA's spec:\n\n{}\nLoad: {} concurrent streaming chats with model {}.",
        escape_markdown(&bundle.scenario.name),
        escape_markdown(&bundle.scenario.description),
        fenced_block("yaml", &spec),
        load.concurrency,
        escape_markdown(&load.model),
    );
    if let Some(report) = &bundle.load {
        let succeeded = report.outcomes.get("succeeded").copied().unwrap_or_default();
        out += &format!(
            " {} requests, {succeeded} succeeded, {} tokens; time to first token p50 {} ms, p99 {} ms.",
            report.requests,
            report.tokens,
            report.ttft_us.p50 / 1000,
            report.ttft_us.p99 / 1000
        );
    }
    out + "\n"
}

/// What the records show of each layer. They do not show its owner, so the submitter states it.
fn layers(submission: &Submission<'_>) -> String {
    let bundle = submission.bundle;
    let (scenario, inventory) = (&bundle.scenario, &bundle.inventory);
    let mut rows = vec![("HPA controller and API".to_owned(), inventory.kubernetes())];
    let nodes: Vec<String> = inventory
        .nodes
        .iter()
        .filter(|node| node.allocatable.values().any(|count| *count > 0))
        .map(|node| {
            let resources = node.allocatable.iter().map(|(resource, count)| format!("{resource}={count}"));
            format!("{} ({})", node.name, resources.collect::<Vec<_>>().join(", "))
        })
        .chain(inventory.describe_accelerator_nodes())
        .collect();
    let nodes = if nodes.is_empty() { "none, or not readable".to_owned() } else { nodes.join("; ") };
    // A node offers a shared device as several.
    let nodes = std::iter::once(nodes.as_str()).chain(submission.verdict.sharing_findings()).collect::<Vec<_>>();
    rows.push(("accelerators, their driver and device plugin or DRA driver".to_owned(), nodes.join("; ")));
    let exporter = scenario.metric.exporter.as_ref();
    let exporter = exporter.map(|spec| format!("{} in namespace {}", spec.metric_name, spec.namespace));
    rows.push(("accelerator metrics exporter".to_owned(), exporter.unwrap_or_else(|| "not configured".to_owned())));
    let store = scenario.metric.store.as_ref().map(describe_store);
    rows.push(("metrics store".to_owned(), store.unwrap_or_else(|| "not configured".to_owned())));
    for (group, api) in &inventory.metrics_apis {
        rows.push((format!("APIService {group}"), format!("Service {}, existed before the run", api.service)));
    }
    for (name, release) in &scenario.releases {
        rows.push((format!("helm release {name}"), describe_release(submission, name, release)));
    }
    let rows: String = rows
        .iter()
        .map(|(layer, recorded)| {
            format!("| {} | {} | {PLACEHOLDER} |\n", escape_markdown(layer), escape_markdown(recorded))
        })
        .collect();
    format!(
        "## Who owns which layer\nThe records show what was used, but not who owns it: platform, provider, add-on or \
         customer.\n\n| layer | as recorded | owner |\n|---|---|---|\n{rows}"
    )
}

fn describe_store(store: &StoreSpec) -> String {
    match (&store.service, &store.url) {
        (Some(service), _) => format!("Service {}/{}", service.namespace, service.name),
        (None, Some(_)) => "by URL".to_owned(),
        (None, None) => "not configured".to_owned(),
    }
}

fn describe_release(submission: &Submission<'_>, name: &str, release: &ReleaseSpec) -> String {
    let inventory = &submission.bundle.inventory;
    let origin = match inventory.existing_releases.get(name) {
        Some(_) => "existed before the run",
        None if submission.verdict.restored => "installed by the run and removed",
        None => "installed by the run",
    };
    match inventory.charts.get(name) {
        Some(chart) => format!("chart {} {} (app {}), {origin}", chart.name, chart.version, chart.app_version),
        None => format!("chart {}, {origin}", release.chart),
    }
}

fn reproduce(submission: &Submission<'_>) -> String {
    let inventory = &submission.bundle.inventory;
    let mut out = format!(
        "## How to reproduce\nOn a cluster with {}, with {}:\n\n```\ngpuhpa plan -f \
         scenario.yaml\ngpuhpa verify -f scenario.yaml --yes --report-dir out --junit out/junit.xml\ngpuhpa export out \
         --dir {}/{}\n```\n\nPinned:\n",
        escape_markdown(&inventory.kubernetes()),
        escape_markdown(&inventory.tool_versions()),
        submission.version.label(),
        escape_markdown(&submission.version.product_dir)
    );
    for (name, chart) in &inventory.charts {
        out += &format!(
            "- release {}: chart {} {} (app {}), rendered manifests sha256 {}\n",
            escape_markdown(name),
            escape_markdown(&chart.name),
            escape_markdown(&chart.version),
            escape_markdown(&chart.app_version),
            escape_markdown(&chart.rendered_digest)
        );
    }
    if submission.bundle.scenario.releases.values().any(|release| release.chart.starts_with(['.', '/'])) {
        out += "\nLocal charts are not in this folder: set their path in a file that `extends: scenario.yaml`.\n";
    }
    out
}

/// Text for a table cell or a line of prose, with Markdown and HTML escaped.
fn escape_markdown(text: &str) -> String {
    let mut out = String::new();
    for c in single_line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '|' | '`' | '[' | '*' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A fenced block; its fence is longer than any run of backticks in the text.
fn fenced_block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_cluster_is_not_rendered_as_markdown() {
        assert_eq!(
            escape_markdown("a|b\n# c <img> `x` [y](z) **d**\u{1b}"),
            "a\\|b # c &lt;img> \\`x\\` \\[y](z) \\*\\*d\\*\\*"
        );
        assert_eq!(fenced_block("", "a ``` b"), "````\na ``` b\n````\n");
    }
}
