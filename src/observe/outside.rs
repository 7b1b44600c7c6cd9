//! The part of the world that an observer touches.

use std::sync::Arc;

use crate::clock::Clock;
use crate::world::{Book, Http, World};

/// The doors that observation goes through, and the book that it writes.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) kube: kube::Client,
    pub(super) http: Http,
    pub(super) book: Arc<Book>,
    pub(super) clock: Clock,
}

impl Outside {
    /// The observer's part of a world.
    pub(super) fn of(world: &World) -> Self {
        Self { kube: world.plain.clone(), http: world.http.clone(), book: Arc::clone(&world.book), clock: world.clock }
    }
}
