//! The table as it is written: a line for each purpose. A right is in it once; the first purpose, and the sterner one,
//! stands.

use crate::record::inventory::{Part, Right};

/// What verbs are on: a resource of a group, with its subresource where it has one (`pods/proxy`), in one namespace or in
/// all, one object or any.
#[derive(Clone, Copy, Debug)]
pub(super) struct On<'a> {
    group: &'a str,
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// A resource of the core group, in all namespaces or in none.
pub(super) fn core(resource: &str) -> On<'_> {
    of("", resource)
}

/// A resource of a group.
pub(super) fn of<'a>(group: &'a str, resource: &'a str) -> On<'a> {
    On { group, resource, namespace: "", name: "" }
}

impl<'a> On<'a> {
    /// In this namespace only; empty for all.
    pub(super) fn within(self, namespace: &'a str) -> Self {
        Self { namespace, ..self }
    }

    /// This object only; empty for any.
    pub(super) fn called(self, name: &'a str) -> Self {
        Self { name, ..self }
    }
}

/// Rights as they come together.
#[derive(Debug, Default)]
pub(super) struct Table {
    part: Part,
    rights: Vec<Right>,
}

impl Table {
    /// The lines that follow are for this part.
    pub(super) fn part(&mut self, part: Part) -> &mut Self {
        self.part = part;
        self
    }

    /// Verbs without which a run cannot pass.
    pub(super) fn must(&mut self, verbs: &str, on: On<'_>, why: &str) {
        self.line(true, verbs, on, why);
    }

    /// Verbs that a run can do without.
    pub(super) fn may(&mut self, verbs: &str, on: On<'_>, why: &str) {
        self.line(false, verbs, on, why);
    }

    /// Either.
    pub(super) fn line(&mut self, required: bool, verbs: &str, on: On<'_>, why: &str) {
        for verb in verbs.split(' ') {
            let right = Right {
                part: self.part,
                verb: verb.to_owned(),
                group: on.group.to_owned(),
                resource: on.resource.to_owned(),
                namespace: on.namespace.to_owned(),
                name: on.name.to_owned(),
                why: why.to_owned(),
                required,
                allowed: false,
            };
            match self.rights.iter_mut().find(|known| same(known, &right)) {
                Some(known) if known.required || !required => {}
                Some(known) => *known = right,
                None => self.rights.push(right),
            }
        }
    }

    pub(super) fn rights(self) -> Vec<Right> {
        self.rights
    }
}

/// The same right of the same part, whatever it is for.
fn same(one: &Right, other: &Right) -> bool {
    let key = |right: &Right| {
        (
            right.part,
            right.verb.clone(),
            right.group.clone(),
            right.resource.clone(),
            right.namespace.clone(),
            right.name.clone(),
        )
    };
    key(one) == key(other)
}
