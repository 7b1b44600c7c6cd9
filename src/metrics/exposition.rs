//! Parses the samples of one metric from the Prometheus text exposition format (version 0.0.4; OpenMetrics is
//! tolerated).
//!
//! The whole page is judged, and as Prometheus does it (prometheus: model/textparse/promparse.go and promlex.l): one
//! invalid line of any metric, and a scrape stores no sample of the page.

use std::borrow::Cow;

use jiff::Timestamp;

use super::exposition_labels::{MetricLabels, parse_labels, parse_quoted, split_name, trim_blanks};
use super::{pod_from_labels, sort_samples, to_milli};
use crate::env::sanitize_text;
use crate::model::metric_profile::MetricProfile;
use crate::model::reading::MetricSample;

/// A page of which Prometheus stores no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not Prometheus text: {reason}; Prometheus drops the whole page")]
pub(crate) struct ExpositionError {
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// Most characters of a page that a reason quotes.
const MAX_QUOTED_CHARS: usize = 80;

/// The types of metrics in the text format, and those that only OpenMetrics has.
const TYPES: [&str; 5] = ["counter", "gauge", "histogram", "summary", "untyped"];
const OPEN_METRICS_TYPES: [&str; 4] = ["unknown", "info", "stateset", "gaugehistogram"];

/// The samples of the metric `name`, sorted; empty when the text does not contain the metric.
pub(crate) fn parse_samples(
    text: &[u8],
    name: &str,
    profile: &MetricProfile,
) -> Result<Vec<MetricSample>, ExpositionError> {
    let text = decode(text)?;
    let mut page =
        PageParser { is_open_metrics: text.trim_end().ends_with("# EOF"), name, profile, samples: Vec::new() };
    let (mut rest, mut line) = (&*text, 1);
    while !rest.is_empty() {
        let after = page.parse_entry(rest).map_err(|reason| ExpositionError { line, reason })?;
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
    Ok(sort_samples(page.samples))
}

/// The page as text. Bytes that are not UTF-8 are allowed in plain comments only.
fn decode(text: &[u8]) -> Result<Cow<'_, str>, ExpositionError> {
    if let Ok(text) = std::str::from_utf8(text) {
        return Ok(text.into());
    }
    let is_valid = |line: &[u8]| {
        let lossy = String::from_utf8_lossy(line);
        let comment = trim_blanks(&lossy).strip_prefix('#');
        std::str::from_utf8(line).is_ok() || comment.is_some_and(|comment| metadata(comment).is_none())
    };
    match text.split(|byte| *byte == b'\n').position(|line| !is_valid(line)) {
        Some(before) => Err(ExpositionError { line: before + 1, reason: "it is not UTF-8".to_owned() }),
        None => Ok(String::from_utf8_lossy(text)),
    }
}

/// One page while it is parsed.
struct PageParser<'a> {
    name: &'a str,
    profile: &'a MetricProfile,
    is_open_metrics: bool,
    samples: Vec<MetricSample>,
}

impl PageParser<'_> {
    /// Parses a comment, a blank line or a sample; returns what follows its line.
    fn parse_entry<'t>(&mut self, text: &'t str) -> Result<&'t str, String> {
        let text = trim_blanks(text);
        if let Some(comment) = text.strip_prefix('#') {
            let (line, after) = split_line(comment);
            return self.check_comment(line).map(|()| after);
        }
        if text.is_empty() || text.starts_with('\n') {
            return Ok(split_line(text).1);
        }
        // Another page (a login form, a proxy's error) must be an error, not an absent metric.
        let (name, rest) = split_name(text, true);
        if name.is_empty() && !text.starts_with('{') {
            return Err(if text.starts_with('\r') { CARRIAGE_RETURN } else { "expected a metric name" }.to_owned());
        }
        let mut labels = MetricLabels::default();
        let mut rest = trim_blanks(rest);
        if let Some(after) = rest.strip_prefix('{') {
            (labels, rest) = parse_labels(after)?;
        }
        let name = match (name, &labels.metric_name) {
            ("", Some(quoted)) => quoted.clone(),
            ("", None) => return Err("the metric has no name".to_owned()),
            (_, Some(_)) => return Err("the metric has two names".to_owned()),
            (name, None) => name.to_owned(),
        };
        let (line, after) = split_line(rest);
        self.parse_value(&name, labels, trim_blanks(line)).map(|()| after)
    }

    /// Parses `value [timestamp]`, which follows name and labels.
    fn parse_value(&mut self, name: &str, labels: MetricLabels, line: &str) -> Result<(), String> {
        let (token, rest) = line.split_at(line.find([' ', '\t']).unwrap_or(line.len()));
        if token.is_empty() {
            return Err(format!("{} has no value", quote(name)));
        }
        let value = parse_float(token).ok_or_else(|| match token.strip_suffix('\r') {
            Some(number) if parse_float(number).is_some() => CARRIAGE_RETURN.to_owned(),
            _ => format!("{} has the value `{}`, which is not a number", quote(name), quote(line)),
        })?;
        let timestamp_ms = self.parse_timestamp_ms(rest.trim_matches([' ', '\t']))?;
        if name != self.name {
            return Ok(());
        }
        // Prometheus drops a sample at such a time, but not the page.
        let Ok(timestamp) = timestamp_ms.map(Timestamp::from_millisecond).transpose() else { return Ok(()) };
        let Some(value) = to_milli(value, &self.profile.blank_values) else { return Ok(()) };
        let object = pod_from_labels(&labels.labels, &self.profile.labels);
        self.samples.push(MetricSample { object, labels: labels.labels.into(), value, timestamp });
        Ok(())
    }

    /// Parses what follows a value: nothing, or a timestamp. OpenMetrics writes it in seconds, and may add an exemplar.
    fn parse_timestamp_ms(&self, text: &str) -> Result<Option<i64>, String> {
        let seconds = text.split('#').next().unwrap_or_default().trim_ascii();
        if text.is_empty() || (self.is_open_metrics && seconds.is_empty()) {
            return Ok(None);
        }
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = match self.is_open_metrics {
            #[expect(clippy::cast_possible_truncation, reason = "out of range saturates, and jiff then rejects it")]
            true => parse_float(seconds).map(|seconds| (seconds * 1000.0).round() as i64),
            false => text.parse().ok().filter(|_| is_digits),
        };
        let unit = if self.is_open_metrics { "seconds" } else { "whole milliseconds" };
        let wrong = || match text.ends_with('\r') {
            true => CARRIAGE_RETURN.to_owned(),
            false => format!("`{}` after the value is not a timestamp in {unit}", quote(text)),
        };
        number.map(Some).ok_or_else(wrong)
    }

    /// Checks the name and the type in a comment that states them.
    fn check_comment(&self, comment: &str) -> Result<(), String> {
        let Some((keyword, text)) = metadata(comment) else { return Ok(()) };
        let (name, rest) = match text.strip_prefix('"').map(parse_quoted).transpose()? {
            Some((_, rest)) => ("quoted", rest),
            None => split_name(text, true),
        };
        if name.is_empty() {
            return Err(format!("`# {keyword}` is not followed by a metric name"));
        }
        let mut kind = rest.chars();
        kind.next();
        let kind = kind.as_str();
        let is_known = TYPES.contains(&kind) || (self.is_open_metrics && OPEN_METRICS_TYPES.contains(&kind));
        match keyword {
            "TYPE" if kind.ends_with('\r') => Err(CARRIAGE_RETURN.to_owned()),
            "TYPE" if !is_known => Err(format!("{} has the unknown type `{}`", quote(name), quote(kind))),
            _ => Ok(()),
        }
    }
}

const CARRIAGE_RETURN: &str = "it ends with a carriage return";

/// Keyword and text of a comment that has one.
fn metadata(comment: &str) -> Option<(&'static str, &str)> {
    let text = trim_blanks(comment);
    let after = |keyword| text.strip_prefix(keyword).filter(|rest| rest.starts_with([' ', '\t'])).map(trim_blanks);
    let found = ["HELP", "TYPE"].into_iter().find_map(|keyword| Some((keyword, after(keyword)?)));
    found.filter(|_| text.len() < comment.len())
}

/// The line up to its newline, and what follows it.
fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

fn quote(text: &str) -> String {
    sanitize_text(text, MAX_QUOTED_CHARS)
}

/// Parses a number as Go's strconv.ParseFloat does, of which Prometheus takes the decimal notation only: a value beyond
/// the range of float64 is an error, and NaN has no sign.
fn parse_float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let unsigned = text.trim_start_matches(['+', '-']);
    let is_word = unsigned.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_valid = (value.is_finite() || is_word) && !(value.is_nan() && unsigned.len() < text.len());
    is_valid.then_some(value)
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
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a"} 5
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

    #[test]
    fn a_blank_of_dcgm_of_any_type_and_kind_is_no_sample() {
        let dcgm = crate::model::shipped_profiles::find("dcgm").unwrap();
        for base in [0x7fff_fff0_u64, 0x7fff_ffff_ffff_fff0, 1 << 47] {
            for blank in base..base + 4 {
                for text in [format!("m {blank}"), format!("m {blank}.000000")] {
                    assert_eq!(parse_samples(text.as_bytes(), "m", &dcgm), Ok(vec![]), "{text}");
                }
            }
        }
        let counter = parse_samples(b"m 140737488355300", "m", &dcgm).unwrap();
        assert_eq!(counter.len(), 1, "a large counter is no blank");
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
    fn a_page_that_prometheus_drops_is_reported_with_line_and_reason() {
        let page = |line: &str| format!("# TYPE m gauge\nm{{a=\"b\"}} 1\n{line}\n");
        let cases = [
            ("<html>login</html>", "expected a metric name"),
            ("m{a=\"b} 1", "a label's value is not closed"),
            ("m{a=b} 1", "a label's value is not quoted"),
            ("m{a} 1", "a label has no `=`"),
            ("m{a:b=\"c\"} 1", "a label has no `=`"),
            ("m{a=\"b\",,} 1", "expected a label name"),
            ("m{a=\"b\",a=\"c\"} 1", "the label `a` occurs twice"),
            ("{a=\"b\"} 1", "the metric has no name"),
            ("m{\"n\"} 1", "the metric has two names"),
            ("m ", "m has no value"),
            ("m{}", "m has no value"),
            ("m high", "m has the value `high`, which is not a number"),
            ("x{gpu=\"0\"} ERROR - FAILED TO", "x has the value `ERROR - FAILED TO`, which is not a number"),
            ("x 1e999", "x has the value `1e999`, which is not a number"),
            ("x 0x1p-2", "x has the value `0x1p-2`, which is not a number"),
            ("x 1_000", "x has the value `1_000`, which is not a number"),
            ("x -NaN", "x has the value `-NaN`, which is not a number"),
            ("x 1,5", "x has the value `1,5`, which is not a number"),
            ("x 1 soon", "`soon` after the value is not a timestamp in whole milliseconds"),
            ("x 1 1700000000.123", "`1700000000.123` after the value is not a timestamp in whole milliseconds"),
            ("x 1 -5", "`-5` after the value is not a timestamp in whole milliseconds"),
            ("x 1 5 # {a=\"b\"} 1", "`5 # {a=\"b\"} 1` after the value is not a timestamp in whole milliseconds"),
            ("x 1\r", "it ends with a carriage return"),
            ("x 1 5\r", "it ends with a carriage return"),
            ("# TYPE x gauge\r", "it ends with a carriage return"),
            ("# TYPE x unknown", "x has the unknown type `unknown`"),
            ("# TYPE x", "x has the unknown type ``"),
            ("#  TYPE x gauge ", "x has the unknown type `gauge`"),
            ("# HELP 3 things", "`# HELP` is not followed by a metric name"),
        ];
        for (line, reason) in cases {
            let error = parse_samples(page(line).as_bytes(), "m", &MetricProfile::default()).err();
            assert_eq!(error, Some(ExpositionError { line: 3, reason: reason.to_owned() }), "{line}");
        }
        let mut not_utf8 = page("").into_bytes();
        not_utf8.extend_from_slice(b"x{a=\"\xff\"} 1");
        let error = parse_samples(&not_utf8, "m", &MetricProfile::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 4 is not Prometheus text: it is not UTF-8; Prometheus drops the whole page"
        );
    }

    #[test]
    fn a_page_that_prometheus_stores_is_read() {
        let lines = [
            "# TYPE m gauge\n# TYPE m gauge\n# HELP m\n# HELP m twice",
            "#TYPE x what\n# a comment\n# HELPless\n# TYPE \"x.y\" counter",
            "x{a=\"b\" c=\"d\"}1",
            "x{a=\"line\nbreak\"} 1\n\n \t\n",
            "{\"x.y\",a=\"b\"} +Inf\n{\"x\"} inf\nx nan",
            "x .5\nx 5.\nx 1e-400\nx 1 0",
            "m 3 9223372036854775807",
            "x{\"quoted name\"=\"b\"} 1",
        ];
        for line in lines {
            let samples = parse_samples(format!("{line}\nm 2").as_bytes(), "m", &MetricProfile::default());
            assert_eq!(samples.map(|all| all.len()), Ok(1), "{line}");
        }
        let comment = parse_samples(b"# \xff\nm 2", "m", &MetricProfile::default());
        assert_eq!(comment.map(|all| all.len()), Ok(1));
        assert_eq!(one("{\"m\", a=\"b\"} 2").labels["a"], "b");
    }
}
