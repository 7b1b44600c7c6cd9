//! The table as it is written: a line for each purpose. A right is in it once; the first purpose, and the sterner one,
//! stands.

use crate::model::inventory::{PermissionCheck, PermissionStage};

/// What verbs are on: a resource of a group, with its subresource where it has one (`pods/proxy`), in one namespace or in
/// all, one object or any.
#[derive(Clone, Copy, Debug)]
pub(super) struct RbacResource<'a> {
    group: &'a str,
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// A resource of the core group, in all namespaces or in none.
pub(super) fn core_resource(resource: &str) -> RbacResource<'_> {
    group_resource("", resource)
}

/// A resource of a group.
pub(super) fn group_resource<'a>(group: &'a str, resource: &'a str) -> RbacResource<'a> {
    RbacResource { group, resource, namespace: "", name: "" }
}

impl<'a> RbacResource<'a> {
    /// In this namespace only; empty for all.
    pub(super) fn in_namespace(self, namespace: &'a str) -> Self {
        Self { namespace, ..self }
    }

    /// This object only; empty for any.
    pub(super) fn named(self, name: &'a str) -> Self {
        Self { name, ..self }
    }
}

/// Rights as they come together.
#[derive(Debug, Default)]
pub(super) struct PermissionTable {
    part: PermissionStage,
    permissions: Vec<PermissionCheck>,
}

impl PermissionTable {
    /// The lines that follow are for this part.
    pub(super) fn set_part(&mut self, part: PermissionStage) -> &mut Self {
        self.part = part;
        self
    }

    /// Verbs without which a run cannot pass.
    pub(super) fn add_required(&mut self, verbs: &str, on: RbacResource<'_>, why: &str) {
        self.add(true, verbs, on, why);
    }

    /// Verbs that a run can do without.
    pub(super) fn add_optional(&mut self, verbs: &str, on: RbacResource<'_>, why: &str) {
        self.add(false, verbs, on, why);
    }

    /// Either.
    pub(super) fn add(&mut self, required: bool, verbs: &str, on: RbacResource<'_>, why: &str) {
        for verb in verbs.split(' ') {
            let right = PermissionCheck {
                stage: self.part,
                verb: verb.to_owned(),
                group: on.group.to_owned(),
                resource: on.resource.to_owned(),
                namespace: on.namespace.to_owned(),
                resource_name: on.name.to_owned(),
                purpose: why.to_owned(),
                required,
                allowed: false,
            };
            match self.permissions.iter_mut().find(|known| is_same_permission(known, &right)) {
                Some(known) if known.required || !required => {}
                Some(known) => *known = right,
                None => self.permissions.push(right),
            }
        }
    }

    pub(super) fn into_permissions(self) -> Vec<PermissionCheck> {
        self.permissions
    }
}

/// The same right of the same part, whatever it is for.
fn is_same_permission(one: &PermissionCheck, other: &PermissionCheck) -> bool {
    let key = |right: &PermissionCheck| {
        (
            right.stage,
            right.verb.clone(),
            right.group.clone(),
            right.resource.clone(),
            right.namespace.clone(),
            right.resource_name.clone(),
        )
    };
    key(one) == key(other)
}
