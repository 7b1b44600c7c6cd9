//! What was last noted of each object: an object is noted again only when what the checks read of it has changed, so
//! that heartbeats and foreign fields leave the timeline small.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::record::observation::{Gone, Seen};
use crate::world::Book;

/// Whoever takes what a watch delivers.
pub(super) trait Keep<K>: Send {
    /// The object as it now stands.
    fn put(&mut self, object: &K);
    /// The object is gone.
    fn remove(&mut self, gone: Gone);
    /// All that was known at this moment has been put and removed.
    fn settled(&mut self) {}
}

/// What is noted of an object, and the object's own time. It is given what was noted before.
pub(super) type Reduce<K> = Box<dyn FnMut(&K, Option<&Seen>) -> (Seen, Option<Timestamp>) + Send>;

/// What is noted when an object is gone; `None` for objects whose end is no news.
pub(super) type Farewell = fn(Gone) -> Option<Seen>;

/// A ledger over the objects of one kind.
pub(super) struct Ledger<K> {
    book: Arc<Book>,
    reduce: Reduce<K>,
    farewell: Farewell,
    noted: BTreeMap<String, Seen>,
}

impl<K> Ledger<K> {
    /// An empty ledger.
    pub(super) fn new(book: Arc<Book>, farewell: Farewell, reduce: Reduce<K>) -> Self {
        Self { book, reduce, farewell, noted: BTreeMap::new() }
    }
}

impl<K: kube::Resource> Keep<K> for Ledger<K> {
    fn put(&mut self, object: &K) {
        let uid = object.meta().uid.clone().unwrap_or_default();
        let before = self.noted.get(&uid);
        let (seen, source) = (self.reduce)(object, before);
        if before != Some(&seen) {
            self.book.note(seen.clone(), source);
            self.noted.insert(uid, seen);
        }
    }

    fn remove(&mut self, gone: Gone) {
        self.noted.remove(&gone.uid);
        if let Some(seen) = (self.farewell)(gone) {
            self.book.note(seen, None);
        }
    }
}
