//! The store behind the metrics API, by URL or through the API server's service proxy.

use super::ask::{Carrier, answer, by_kube, by_url};
use super::outside::Outside;
use super::poll::Ask;
use crate::metrics::store::{question, read};
use crate::record::reading::Answer;
use crate::record::scenario::Store;

/// The store as a hop.
pub(super) struct StoreHop {
    pub(super) outside: Outside,
    pub(super) store: Store,
}

impl Ask for StoreHop {
    async fn ask(&mut self) -> Vec<(String, Answer)> {
        let asked = question(&self.store.series);
        let answer = match (&self.store.url, &self.store.service) {
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
        };
        vec![(String::new(), answer)]
    }
}
