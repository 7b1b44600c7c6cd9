//! The store behind the metrics API, by URL or through the API server's service proxy.

use super::ask::{Carrier, answer, by_kube, by_url};
use super::outside::Outside;
use super::poll::Ask;
use crate::metrics::store::{exported, question, read};
use crate::record::reading::Answer;
use crate::record::scenario::Store;

/// The store as a hop.
pub(super) struct StoreHop {
    pub(super) outside: Outside,
    pub(super) store: Store,
}

impl StoreHop {
    async fn query(&self, series: &str) -> Answer {
        let asked = question(series);
        match (&self.store.url, &self.store.service) {
            (Some(url), _) => {
                let url = format!("{}{asked}", url.trim_end_matches('/'));
                answer(by_url(&self.outside, &url).await, Carrier::Direct, read)
            }
            (None, Some(service)) => {
                let proxy = format!(
                    "/api/v1/namespaces/{}/services/{}:{}/proxy{}{asked}",
                    service.namespace,
                    service.name,
                    service.port,
                    service.path.trim_end_matches('/'),
                );
                answer(by_kube(&self.outside, &proxy).await, Carrier::Proxy, read)
            }
            (None, None) => Answer::NotReadable("the scenario names neither url nor service of the store".to_owned()),
        }
    }

    /// The usual reason for no series at all: the store has them, with the workload's labels renamed.
    async fn renamed(&self) -> Option<Answer> {
        let series = exported(&self.store.series)?;
        let found = self.query(&series).await;
        let count = found_in(&found);
        (count > 0).then(|| {
            Answer::Failed(format!(
                "no series of {}, but {count} of {series}: the store scrapes without honorLabels: true, so the \
                 workload's own labels are called exported_*",
                self.store.series
            ))
        })
    }
}

fn found_in(answer: &Answer) -> usize {
    match answer {
        Answer::Samples(samples) => samples.len(),
        Answer::Failed(_) | Answer::NotReadable(_) => 0,
    }
}

impl Ask for StoreHop {
    async fn ask(&mut self) -> Vec<(String, Answer)> {
        let answer = self.query(&self.store.series).await;
        let is_empty = matches!(&answer, Answer::Samples(samples) if samples.is_empty());
        let told = if is_empty { self.renamed().await } else { None };
        vec![(String::new(), told.unwrap_or(answer))]
    }
}
