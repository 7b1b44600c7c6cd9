//! The part of the world that an observer touches.

use std::sync::Arc;

use super::rest::Rest;
use crate::clock::Clock;
use crate::world::{Book, Http, World};

/// The doors that observation goes through, and the book that it writes.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) kube: kube::Client,
    pub(super) http: Http,
    pub(super) book: Arc<Book>,
    pub(super) clock: Clock,
    /// How long the API server wants to be left alone.
    pub(super) rest: Rest,
}

impl Outside {
    /// The observer's part of a world.
    pub(super) fn of(world: &World) -> Self {
        Self::new(world.plain.clone(), world.http.clone(), Arc::clone(&world.book), world.clock)
    }

    /// These doors; every answer of the cluster is heard for whether it wants to be left alone.
    pub(super) fn new(kube: kube::Client, http: Http, book: Arc<Book>, clock: Clock) -> Self {
        let rest = Rest::default();
        let heard = rest.clone();
        let listening = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (kube, heard) = (kube.clone(), heard.clone());
            async move {
                let response = kube.send(request).await?;
                heard.heard(response.status().as_u16(), response.headers(), clock);
                Ok::<_, kube::Error>(response)
            }
        });
        Self { kube: kube::Client::new(listening, "default"), http, book, clock, rest }
    }
}
