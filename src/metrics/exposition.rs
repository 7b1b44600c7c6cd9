//! Parses the samples of one metric from the Prometheus text exposition format (version 0.0.4; OpenMetrics is
//! tolerated). Other metrics, HELP and TYPE are skipped unparsed, because an exporter's page has hundreds of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{pod_from_labels, sort_samples, to_milli};
use crate::model::metric_profile::MetricProfile;
use crate::model::reading::MetricSample;

/// A text that is not in the exposition format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not Prometheus text: {reason}")]
pub(crate) struct ExpositionError {
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) reason: &'static str,
}

/// The samples of the metric `name`, sorted; empty when the text does not contain the metric.
pub(crate) fn parse_samples(
    text: &[u8],
    name: &str,
    profile: &MetricProfile,
) -> Result<Vec<MetricSample>, ExpositionError> {
    let text = std::str::from_utf8(text).map_err(|_| ExpositionError { line: 1, reason: "it is not UTF-8" })?;
    // OpenMetrics writes timestamps in seconds, the Prometheus format in milliseconds.
    let scale = if text.trim_end().ends_with("# EOF") { 1000.0 } else { 1.0 };
    let mut samples = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |reason| ExpositionError { line: number + 1, reason };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // Another page (a login form, a proxy's error) must be an error, not an absent metric.
        if !line.starts_with(|c: char| c.is_ascii_alphabetic() || "_:{".contains(c)) {
            return Err(wrong("expected a metric name"));
        }
        if let Some(rest) = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ', '\t'])) {
            samples.extend(parse_sample(rest.trim_start(), scale, profile).map_err(wrong)?);
        }
    }
    Ok(sort_samples(samples))
}

/// Parses `{labels} value [timestamp]`, which follows the name. `None` for a blank.
fn parse_sample(rest: &str, scale: f64, profile: &MetricProfile) -> Result<Option<MetricSample>, &'static str> {
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let mut tokens = rest.split_ascii_whitespace();
    let value: f64 = tokens.next().ok_or("the value is missing")?.parse().map_err(|_| "the value is not a number")?;
    let at = match tokens.next() {
        None => None,
        // An exemplar of OpenMetrics.
        Some(token) if token.starts_with('#') => None,
        Some(token) => Some(parse_timestamp(token, scale)?),
    };
    Ok(to_milli(value, &profile.blank_values).map(|value| MetricSample {
        object: pod_from_labels(&labels, &profile.labels),
        labels: labels.into(),
        value,
        timestamp: at,
    }))
}

fn parse_timestamp(token: &str, scale: f64) -> Result<Timestamp, &'static str> {
    let number: f64 = token.parse().map_err(|_| "the timestamp is not a number")?;
    #[expect(clippy::cast_possible_truncation, reason = "out of range saturates, and jiff then rejects it")]
    let ms = (number * scale).round() as i64;
    Timestamp::from_millisecond(ms).map_err(|_| "the timestamp is out of range")
}

type ExpositionLabels = BTreeMap<String, String>;

/// Parses labels up to the closing brace; returns the rest.
fn parse_labels(mut rest: &str) -> Result<(ExpositionLabels, &str), &'static str> {
    let mut labels = ExpositionLabels::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = rest.split_once('=').ok_or("a label has no `=`")?;
        let after = after.trim_start().strip_prefix('"').ok_or("a label's value is not quoted")?;
        let (value, after) = parse_label_value(after)?;
        labels.insert(name.trim().to_owned(), value);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("labels are not separated by commas"),
        }
    }
}

/// Parses a label's value up to its closing quote; returns the rest.
fn parse_label_value(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                // Prometheus keeps an unknown escape unchanged.
                Some((_, c)) => value.extend(['\\', c]),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("a label's value is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Milli;

    const DCGM: &str = r#"# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-b",device="nvidia1",modelName="NVIDIA H100",Hostname="n1"} 0
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",pod="ollama-7d-x",namespace="ai",container="ollama"} 98
DCGM_FI_DEV_GPU_UTIL{gpu="2",UUID="GPU-c"} 9223372036854775794
DCGM_FI_DEV_GPU_UTILIZATION{gpu="0"} 5
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a"} what?
"#;

    fn one(line: &str) -> MetricSample {
        let mut all = parse_samples(line.as_bytes(), "m", &MetricProfile::default()).unwrap();
        assert_eq!(all.len(), 1, "{line}");
        all.remove(0)
    }

    #[test]
    fn only_the_requested_metric_is_parsed() {
        let dcgm = crate::model::shipped_profiles::find("dcgm").unwrap();
        let samples = parse_samples(DCGM.as_bytes(), "DCGM_FI_DEV_GPU_UTIL", &dcgm).unwrap();
        let short: Vec<_> = samples.iter().map(|s| (s.object.as_deref(), s.labels["UUID"].as_str(), s.value)).collect();
        assert_eq!(
            short,
            [(None, "GPU-b", Some(Milli(0))), (Some("ollama-7d-x"), "GPU-a", Some(Milli(98_000)))],
            "the blank of GPU-c is no sample"
        );
        assert_eq!(parse_samples(DCGM.as_bytes(), "absent", &dcgm).unwrap(), []);
    }

    /// A page of another exporter, in which other labels name pod and device, and -1 is no measurement.
    #[test]
    fn a_page_is_read_by_the_profile_that_is_written_out_for_it() {
        const PAGE: &str = r#"accelerator_busy{gpu_uuid="u0",gpu_id="0",workload="ollama-1",pod="exporter"} 97
accelerator_busy{gpu_uuid="u1",gpu_id="1",workload="exporter",exported_workload="ollama-2"} 0
accelerator_busy{gpu_uuid="u2",gpu_id="2",workload=""} -1
"#;
        let profile: MetricProfile = serde_saphyr::from_str(
            "{name: own, labels: {pod: [workload], device: [gpu_uuid]}, blankValues: {equal: [-1]}}",
        )
        .unwrap();
        let read = |profile: &MetricProfile| -> Vec<(Option<String>, Option<Milli>)> {
            let samples = parse_samples(PAGE.as_bytes(), "accelerator_busy", profile).unwrap();
            samples.into_iter().map(|sample| (sample.object, sample.value)).collect()
        };
        let sample = |pod: &str, milli| (Some(pod.to_owned()), Some(Milli(milli)));
        assert_eq!(read(&profile), [sample("ollama-1", 97_000), sample("ollama-2", 0)]);
        let by_usual_labels = read(&MetricProfile::default());
        assert_eq!(by_usual_labels, [(None, Some(Milli(0))), (None, Some(Milli(-1000))), sample("exporter", 97_000)]);
    }

    #[test]
    fn escapes_in_labels_are_decoded() {
        let sample = one(r#"m{ a="x\\y\"z\n}",b = "ü,=" , } 1.5"#);
        assert_eq!(sample.labels["a"], "x\\y\"z\n}");
        assert_eq!(sample.labels["b"], "ü,=");
        assert_eq!(sample.value, Some(Milli(1500)));
    }

    #[test]
    fn a_timestamp_is_parsed_in_the_formats_own_unit() {
        let at = |text: &str| one(text).timestamp.map(|at| at.to_string());
        assert_eq!(at("m 1 1700000000123").as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert_eq!(at("m 1 1700000000.123\n# EOF\n").as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert_eq!(at("m{a=\"b\"} 1 # {trace=\"x\"} 1\n# EOF").as_deref(), None);
        assert_eq!(at("m 1"), None);
    }

    #[test]
    fn nan_and_infinities_have_no_value() {
        for text in ["m NaN", "m +Inf", "m{a=\"b\"} -Inf"] {
            assert_eq!(one(text).value, None, "{text}");
        }
    }

    #[test]
    fn an_invalid_exposition_is_reported_with_its_line() {
        let cases = [
            ("<html>login</html>", 1, "expected a metric name"),
            ("x 1\nm{a=\"b} 1", 2, "a label's value is not closed"),
            ("m{a=b} 1", 1, "a label's value is not quoted"),
            ("m{a=\"b\" c=\"d\"} 1", 1, "labels are not separated by commas"),
            ("m{a} 1", 1, "a label has no `=`"),
            ("m ", 0, ""),
            ("m{}", 1, "the value is missing"),
            ("m high", 1, "the value is not a number"),
            ("m 1 soon", 1, "the timestamp is not a number"),
        ];
        for (text, line, reason) in cases {
            let error = parse_samples(text.as_bytes(), "m", &MetricProfile::default()).err();
            assert_eq!(error, (line > 0).then_some(ExpositionError { line, reason }), "{text}");
        }
        assert!(parse_samples(b"\xff", "m", &MetricProfile::default()).is_err());
    }
}
