//! The series of exporters and servers, and the text in which they expose them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::sim::pages::ExporterPage;

/// Labels of a series.
pub(super) type PipelineLabels = BTreeMap<String, String>;

/// An exposed series and its value.
pub(super) struct ExporterSeries {
    pub(super) field: &'static str,
    pub(super) node: String,
    pub(super) labels: Arc<PipelineLabels>,
    pub(super) value: f64,
}

/// The exposition of one node.
pub(super) fn format_exposition(all: &[ExporterSeries], node: &str, page: &ExporterPage) -> String {
    let mut out = String::new();
    for field in page.fields {
        let (name, help) = (field.name, field.help);
        let mut of_field = all.iter().filter(|series| series.field == name && series.node == node).peekable();
        if of_field.peek().is_none() {
            continue;
        }
        out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for series in of_field {
            push_sample(&mut out, name, &series.labels, series.value);
        }
    }
    out
}

/// Appends the line of a sample.
pub(super) fn push_sample(out: &mut String, name: &str, labels: &PipelineLabels, value: f64) {
    let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    // Writing to a String does not fail.
    let _ = writeln!(out, "{name}{labels} {value}");
}
