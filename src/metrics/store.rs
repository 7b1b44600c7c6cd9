//! The query API of a Prometheus-compatible store. The query is for raw samples (`series[2m]`), because an instant
//! query hides their age: VictoriaMetrics evaluates it at now minus its latency offset and sets the timestamp to now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EXPORTED_PREFIX, percent_encode, pod_from_labels, sort_samples, to_milli};
use crate::model::metric_profile::MetricProfile;
use crate::model::reading::MetricSample;

/// Range of the query: four times the slowest usual interval (30 s of dcgm-exporter).
const LOOKBACK: &str = "2m";

/// A response without samples.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreQueryError {
    /// The store rejected the query.
    #[error("the store rejected the query ({kind}): {message}")]
    QueryFailed {
        /// The field `errorType`.
        kind: String,
        /// The field `error`.
        message: String,
    },
    /// The response is not that of a query API.
    #[error("not a Prometheus query response: {0}")]
    NotAQueryResponse(String),
    /// The series selector is an expression, or has a range of its own.
    #[error("the query returned a {0} instead of a matrix of raw samples; `series` must be a plain series selector")]
    NotRawSamples(String),
    /// A sample that cannot be parsed.
    #[error("series {series} has an invalid sample: {reason}")]
    InvalidSample {
        /// Labels of the series.
        series: String,
        /// What is wrong with the sample.
        reason: String,
    },
}

/// Path and query of the request for the raw samples of a series selector.
#[must_use]
pub(crate) fn query_path(series: &str) -> String {
    format!("/api/v1/query?query={}", percent_encode(&format!("{series}[{LOOKBACK}]")))
}

/// The same selector for a store that scrapes without `honor_labels` and so renames the profile's label `namespace` to
/// `exported_namespace`; `None` if the selector does not use that label.
#[must_use]
pub(crate) fn exported_selector(series: &str, profile: &MetricProfile) -> Option<String> {
    let (name, matchers) = series.split_once('{')?;
    profile.labels.namespace.iter().find_map(|label| {
        let at = matchers.find(label.as_str())?;
        let is_whole = !matchers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        is_whole.then(|| format!("{name}{{{}{EXPORTED_PREFIX}{}", &matchers[..at], &matchers[at..]))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryResponse<'a> {
    status: String,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(borrow)]
    data: Option<QueryData<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryData<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct StoreSeries {
    metric: BTreeMap<String, String>,
    /// Empty for native histograms.
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// The result of a query, which must have this type.
fn parse_result<'a>(body: &'a [u8], result_type: &str) -> Result<&'a RawValue, StoreQueryError> {
    let response: QueryResponse<'a> =
        serde_json::from_slice(body).map_err(|e| StoreQueryError::NotAQueryResponse(e.to_string()))?;
    if response.status != "success" {
        return Err(StoreQueryError::QueryFailed { kind: response.error_type, message: response.error });
    }
    let data = response.data.ok_or_else(|| StoreQueryError::NotAQueryResponse("`data` is missing".to_owned()))?;
    if data.result_type != result_type {
        return Err(StoreQueryError::NotRawSamples(data.result_type));
    }
    Ok(data.result)
}

/// The newest sample of each series, sorted; empty when nothing matches. VictoriaMetrics returns the staleness marker
/// of an ended series as a newest sample of NaN, which is parsed as a sample without a value; Prometheus leaves it out.
pub(crate) fn parse_samples(body: &[u8], profile: &MetricProfile) -> Result<Vec<MetricSample>, StoreQueryError> {
    let error = |e: serde_json::Error| StoreQueryError::NotAQueryResponse(e.to_string());
    let result = parse_result(body, "matrix")?;
    let all: Vec<StoreSeries> = serde_json::from_str(result.get()).map_err(error)?;
    let newest =
        all.into_iter().filter_map(|series| newest_sample(series, profile).transpose()).collect::<Result<_, _>>()?;
    Ok(sort_samples(newest))
}

/// The times of the samples of each series, Unix milliseconds in rising order.
pub(crate) fn sample_times_ms(body: &[u8]) -> Result<Vec<Vec<i64>>, StoreQueryError> {
    let error = |e: serde_json::Error| StoreQueryError::NotAQueryResponse(e.to_string());
    let result = parse_result(body, "matrix")?;
    let all: Vec<StoreSeries> = serde_json::from_str(result.get()).map_err(error)?;
    let times = all.into_iter().map(|series| {
        let mut times: Vec<i64> = series.values.iter().map(|(seconds, _)| to_unix_ms(*seconds)).collect();
        times.sort_unstable();
        times
    });
    Ok(times.collect())
}

/// Path and query of the request for the times of the samples that an instant query returns.
#[must_use]
pub(crate) fn instant_times_path(series: &str) -> String {
    format!("/api/v1/query?query={}", percent_encode(&format!("timestamp({series})")))
}

/// The times of the samples that an instant query returns (`timestamp(...)`), Unix milliseconds.
pub(crate) fn instant_times_ms(body: &[u8]) -> Result<Vec<i64>, StoreQueryError> {
    #[derive(Deserialize)]
    struct InstantSeries {
        value: (f64, String),
    }
    let error = |e: serde_json::Error| StoreQueryError::NotAQueryResponse(e.to_string());
    let result = parse_result(body, "vector")?;
    let all: Vec<InstantSeries> = serde_json::from_str(result.get()).map_err(error)?;
    Ok(all.into_iter().filter_map(|one| one.value.1.parse().ok()).map(to_unix_ms).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "a time out of range saturates")]
fn to_unix_ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn newest_sample(series: StoreSeries, profile: &MetricProfile) -> Result<Option<MetricSample>, StoreQueryError> {
    let labels = series.metric;
    let Some((seconds, text)) = series.values.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Ok(None);
    };
    let error = |reason: String| StoreQueryError::InvalidSample { series: format!("{labels:?}"), reason };
    let value: f64 = text.parse().map_err(|_| error(format!("`{text}` is not a number")))?;
    #[expect(clippy::cast_possible_truncation, reason = "out of range saturates, and jiff then rejects it")]
    let at = Timestamp::from_millisecond((seconds * 1000.0).round() as i64).map_err(|e| error(e.to_string()))?;
    Ok(to_milli(value, &profile.blank_values).map(|value| MetricSample {
        object: pod_from_labels(&labels, &profile.labels),
        labels: labels.into(),
        value,
        timestamp: Some(at),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Milli;

    fn read(body: &[u8]) -> Result<Vec<MetricSample>, StoreQueryError> {
        parse_samples(body, &MetricProfile::default())
    }

    #[test]
    fn the_query_is_for_raw_samples_of_the_selector() {
        assert_eq!(
            query_path("DCGM_FI_DEV_GPU_UTIL{namespace=\"ai\"}"),
            "/api/v1/query?query=DCGM_FI_DEV_GPU_UTIL%7Bnamespace%3D%22ai%22%7D%5B2m%5D"
        );
    }

    #[test]
    fn the_label_that_a_scrape_renames_gets_its_exported_name() {
        let exported = |series| super::exported_selector(series, &MetricProfile::default());
        assert_eq!(exported("u{namespace=\"ai\"}").unwrap(), "u{exported_namespace=\"ai\"}");
        assert_eq!(exported("u{a=\"b\", namespace=~\"ai.*\"}").unwrap(), "u{a=\"b\", exported_namespace=~\"ai.*\"}");
        assert_eq!(exported("u{exported_namespace=\"ai\"}"), None);
        assert_eq!(exported("u{pod=\"a\"}"), None);
        assert_eq!(exported("u"), None);
        let dcgm = crate::model::shipped_profiles::find("dcgm").unwrap();
        let exported = |series| super::exported_selector(series, &dcgm);
        assert_eq!(exported("u{pod_namespace=\"ai\"}").unwrap(), "u{exported_pod_namespace=\"ai\"}");
    }

    #[test]
    fn the_newest_sample_of_each_series_is_kept_with_its_own_time() {
        let body = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"u","pod":"b"},"values":[[1700000010.5,"20"],[1700000000,"10"]]},
            {"metric":{"__name__":"u","pod":"dcgm","exported_pod":"a"},"values":[[1700000000,"NaN"]]},
            {"metric":{"__name__":"u","pod":"c"},"values":[[1700000000,"9223372036854775794"]]},
            {"metric":{"__name__":"h"},"histograms":[]}]}}"#;
        let dcgm = crate::model::shipped_profiles::find("dcgm").unwrap();
        let short: Vec<_> =
            parse_samples(body, &dcgm).unwrap().into_iter().map(|s| (s.object, s.value, s.timestamp)).collect();
        let at = |ms| Timestamp::from_millisecond(ms).ok();
        assert_eq!(
            short,
            [
                (Some("a".to_owned()), None, at(1_700_000_000_000)),
                (Some("b".to_owned()), Some(Milli(20_000)), at(1_700_000_010_500)),
            ]
        );
    }

    #[test]
    fn the_times_of_samples_are_read_from_both_kinds_of_query() {
        let raw = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{},"values":[[30.5,"1"],[15.5,"2"]]},{"metric":{}}]}}"#;
        assert_eq!(sample_times_ms(raw).unwrap(), [vec![15_500, 30_500], vec![]]);
        let instant =
            br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[60,"30.5"]}]}}"#;
        assert_eq!(instant_times_ms(instant).unwrap(), [30_500]);
        assert!(instant_times_ms(raw).is_err() && sample_times_ms(instant).is_err());
        assert_eq!(instant_times_path("u"), "/api/v1/query?query=timestamp%28u%29");
    }

    #[test]
    fn an_empty_result_is_valid() {
        assert_eq!(read(br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#), Ok(vec![]));
    }

    #[test]
    fn each_invalid_response_has_its_error() {
        let rejected = br#"{"status":"error","errorType":"bad_data","error":"unexpected end"}"#;
        let vector = br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        let number = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{},"values":[[1,"much"]]}]}}"#;
        assert_eq!(
            read(rejected),
            Err(StoreQueryError::QueryFailed { kind: "bad_data".into(), message: "unexpected end".into() })
        );
        assert_eq!(read(vector), Err(StoreQueryError::NotRawSamples("vector".into())));
        assert!(matches!(read(number), Err(StoreQueryError::InvalidSample { .. })));
        assert!(matches!(read(b"404 page not found"), Err(StoreQueryError::NotAQueryResponse(_))));
        assert!(matches!(read(br#"{"status":"success"}"#), Err(StoreQueryError::NotAQueryResponse(_))));
    }
}
