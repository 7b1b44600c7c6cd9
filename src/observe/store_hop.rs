//! Reads the store behind the metrics API, by URL or through the API server's service proxy.

use super::context::ObserverContext;
use super::hop_request::{HopTransport, classify_response, get_url, get_via_api_server};
use super::poll::HopReader;
use crate::metrics::store::{exported_selector, parse_samples, query_path};
use crate::model::metric_profile::MetricProfile;
use crate::model::reading::ReadingResult;
use crate::model::scenario::StoreSpec;

/// The store as a hop.
pub(super) struct StoreHop {
    pub(super) context: ObserverContext,
    pub(super) store: StoreSpec,
    pub(super) profile: MetricProfile,
}

impl StoreHop {
    async fn query(&self, series: &str) -> ReadingResult {
        let query = query_path(series);
        let parse = |body: &[u8]| parse_samples(body, &self.profile);
        match (&self.store.url, &self.store.service) {
            (Some(url), _) => {
                let url = format!("{}{query}", url.trim_end_matches('/'));
                classify_response(get_url(&self.context, &url).await, HopTransport::Direct, parse)
            }
            (None, Some(service)) => {
                let proxy = format!(
                    "/api/v1/namespaces/{}/services/{}:{}/proxy{}{query}",
                    service.namespace,
                    service.name,
                    service.port,
                    service.path.trim_end_matches('/'),
                );
                classify_response(get_via_api_server(&self.context, &proxy).await, HopTransport::ApiServerProxy, parse)
            }
            (None, None) => {
                ReadingResult::NotReadable("the scenario sets neither `url` nor `service` of the store".to_owned())
            }
        }
    }

    /// Checks for the usual reason for no series: the store has them, with the workload's labels renamed to
    /// `exported_*`.
    async fn check_exported_labels(&self) -> Option<ReadingResult> {
        let series = exported_selector(&self.store.series, &self.profile)?;
        let result = self.query(&series).await;
        let count = sample_count(&result);
        (count > 0).then(|| {
            ReadingResult::Failed(format!(
                "no series of {}, but {count} of {series}: the store scrapes without honorLabels: true, so the \
                 workload's labels are renamed to exported_*",
                self.store.series
            ))
        })
    }
}

fn sample_count(result: &ReadingResult) -> usize {
    match result {
        ReadingResult::Samples(samples) => samples.len(),
        ReadingResult::Failed(_) | ReadingResult::NotReadable(_) => 0,
    }
}

impl HopReader for StoreHop {
    async fn read(&mut self) -> Vec<(String, ReadingResult)> {
        let result = self.query(&self.store.series).await;
        let is_empty = matches!(&result, ReadingResult::Samples(samples) if samples.is_empty());
        let exported = if is_empty { self.check_exported_labels().await } else { None };
        vec![(String::new(), exported.unwrap_or(result))]
    }
}
