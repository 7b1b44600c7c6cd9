//! README.md of a submission: what was shown, on what, by which layers, and how to do it again.

use super::requirement::DESCRIPTION;
use super::{CERTIFIES, OPEN, Submission, TAKEN, line};
use crate::evidence::SIGNATURE;
use crate::evidence::held::MANIFEST;
use crate::evidence::manifest::hexadecimal;
use crate::record::scenario::{Release, Store};
use crate::units::Span;
use sha2::{Digest, Sha256};

pub(super) fn readme(submission: &Submission<'_>) -> String {
    [head(submission), shown(submission), setting(submission), layers(submission), reproduce(submission)].join("\n")
}

fn head(submission: &Submission<'_>) -> String {
    let (verdict, held) = (submission.verdict, submission.held);
    let mut out = format!("# pod_autoscaling: {}\n\n", cell(&verdict.title()));
    for mark in submission.marks() {
        out += &format!("**{}**\n\n", cell(&mark));
    }
    out += &format!("> {DESCRIPTION}\n\n{CERTIFIES}\n\n");
    out += &format!(
        "Run {} by gpuhpa {} on Kubernetes {}, begun {}, {} long: {}.\n",
        cell(&held.manifest.run),
        cell(&held.inventory.gpuhpa),
        cell(&held.inventory.kubernetes),
        held.inventory.started.strftime("%F %T UTC"),
        Span::from_ms(verdict.took_ms / 1000 * 1000),
        cell(&verdict.reason)
    );
    let manifest = held.texts.get(MANIFEST).map(|text| hexadecimal(&Sha256::digest(text))).unwrap_or_default();
    out += &format!(
        "The bundle behind these files has the manifest.json with sha256 `{manifest}`; `gpuhpa judge` derives the verdict \
         from its observations again.\n"
    );
    if submission.is_sealed() {
        out += &format!("That manifest.json lies here, and names the sha256 of {}.\n", TAKEN.join(", "));
    }
    out + match submission.held.texts.contains_key(SIGNATURE) {
        true => "The bundle is signed: ask for the public key on another way, and for `gpuhpa judge --verify-key`.\n",
        false => "It is not signed: digests show accidents, not forgery.\n",
    }
}

fn shown(submission: &Submission<'_>) -> String {
    let mut out = "## What was shown\n| case | result | why |\n|---|---|---|\n".to_owned();
    for case in &submission.verdict.cases {
        out += &format!("| {} | {} | {} |\n", cell(&case.name), case.result.word(), cell(&case.reason));
    }
    for declared in &submission.held.scenario.declares {
        out += &format!("\n**Declared:** {}\n", cell(declared));
    }
    out
}

fn setting(submission: &Submission<'_>) -> String {
    let held = submission.held;
    let load = &held.scenario.load;
    let spec = serde_saphyr::to_string(&held.scenario.hpa.spec).unwrap_or_default();
    let mut out = format!(
        "## On what\nScenario {}: {}\n\nThe HPA's spec:\n\n{}\nLoad: {} concurrent streaming chats with model {}.",
        cell(&held.scenario.name),
        cell(&held.scenario.description),
        block("yaml", &spec),
        load.concurrency,
        cell(&load.model),
    );
    if let Some(report) = &held.load {
        let good = report.outcomes.get("good").copied().unwrap_or_default();
        out += &format!(
            " {} requests, {good} of them good, {} tokens; time to first token p50 {} ms, p99 {} ms.",
            report.requests,
            report.tokens,
            report.ttft_us.p50 / 1000,
            report.ttft_us.p99 / 1000
        );
    }
    out + "\n"
}

/// What the records show of each layer. Whose it is they do not show.
fn layers(submission: &Submission<'_>) -> String {
    let held = submission.held;
    let (scenario, inventory) = (&held.scenario, &held.inventory);
    let mut rows = vec![("HPA controller and API".to_owned(), format!("Kubernetes {}", inventory.kubernetes))];
    let nodes: Vec<String> = inventory
        .nodes
        .iter()
        .filter(|node| node.allocatable.values().any(|count| *count > 0))
        .map(|node| {
            let offers = node.allocatable.iter().map(|(resource, count)| format!("{resource}={count}"));
            format!("{} ({})", node.name, offers.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let nodes = if nodes.is_empty() { "not readable, or none".to_owned() } else { nodes.join("; ") };
    rows.push(("accelerators, their driver and device plugin or DRA driver".to_owned(), nodes));
    let exporter = scenario.metric.exporter.as_ref();
    let exporter = exporter.map(|one| format!("{} in namespace {}", one.name, one.namespace));
    rows.push(("accelerator metrics exporter".to_owned(), exporter.unwrap_or_else(|| "not read".to_owned())));
    let store = scenario.metric.store.as_ref().map(store_of);
    rows.push(("metrics store".to_owned(), store.unwrap_or_else(|| "not read".to_owned())));
    for (group, api) in &inventory.metrics_apis {
        rows.push((format!("APIService {group}"), format!("Service {}, there before the run", api.service)));
    }
    for (name, release) in &scenario.releases {
        rows.push((format!("helm release {name}"), release_of(submission, name, release)));
    }
    let rows: String =
        rows.iter().map(|(layer, seen)| format!("| {} | {} | {OPEN} |\n", cell(layer), cell(seen))).collect();
    format!(
        "## Which layer owns what\nThe records show what was used, not whose it is: platform, provider, add-on or \
         customer.\n\n| layer | as recorded | owner |\n|---|---|---|\n{rows}"
    )
}

fn store_of(store: &Store) -> String {
    match (&store.service, &store.url) {
        (Some(service), _) => format!("Service {}/{}", service.namespace, service.name),
        (None, Some(_)) => "by URL".to_owned(),
        (None, None) => "not read".to_owned(),
    }
}

fn release_of(submission: &Submission<'_>, name: &str, release: &Release) -> String {
    let inventory = &submission.held.inventory;
    let came = match inventory.releases.get(name) {
        Some(_) => "there before the run",
        None if submission.verdict.restored => "installed by the run, and removed",
        None => "installed by the run",
    };
    match inventory.charts.get(name) {
        Some(chart) => format!("chart {} {} (app {}), {came}", chart.name, chart.version, chart.app_version),
        None => format!("chart {}, {came}", release.chart),
    }
}

fn reproduce(submission: &Submission<'_>) -> String {
    let inventory = &submission.held.inventory;
    let mut out = format!(
        "## How to reproduce\nOn a cluster with Kubernetes {}, with gpuhpa {} and helm {}:\n\n```\ngpuhpa plan -f \
         scenario.yaml\ngpuhpa verify -f scenario.yaml --yes --report-dir out --junit out/junit.xml\ngpuhpa export out \
         --dir {}/{}\n```\n\nPinned:\n",
        cell(&inventory.kubernetes),
        cell(&inventory.gpuhpa),
        cell(&inventory.helm),
        submission.edition.version(),
        cell(&submission.edition.product)
    );
    for (name, chart) in &inventory.charts {
        out += &format!(
            "- release {}: chart {} {} (app {}), rendered manifests sha256 {}\n",
            cell(name),
            cell(&chart.name),
            cell(&chart.version),
            cell(&chart.app_version),
            cell(&chart.rendered_digest)
        );
    }
    if submission.held.scenario.releases.values().any(|release| release.chart.starts_with(['.', '/'])) {
        out +=
            "\nA chart that is a path is not in this folder: name it anew in a file that `extends: scenario.yaml`.\n";
    }
    out
}

/// Text for one cell of a table or a line of prose: nothing in it is Markdown.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '|' | '`' | '[' | '*' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A fenced block, behind a fence that the text does not hold.
fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_cluster_is_no_markdown() {
        assert_eq!(cell("a|b\n# c <img> `x` [y](z) **d**\u{1b}"), "a\\|b # c &lt;img> \\`x\\` \\[y](z) \\*\\*d\\*\\*");
        assert_eq!(block("", "a ``` b"), "````\na ``` b\n````\n");
    }
}
