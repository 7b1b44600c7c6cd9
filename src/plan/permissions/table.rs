//! Builds the table of permissions. Each permission is in it once: a required one replaces an optional one, else the first
//! purpose stays.

use k8s_openapi::Resource;

use crate::model::inventory::{PermissionCheck, PermissionStage};

/// The object of a permission: a resource of a group, with its subresource if it has one (`pods/proxy`), in one namespace or
/// in all, for one object or any.
#[derive(Clone, Copy, Debug)]
pub(super) struct RbacResource<'a> {
    group: &'a str,
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// A resource of the core group, in all namespaces or cluster-scoped.
pub(super) fn core_resource(resource: &str) -> RbacResource<'_> {
    group_resource("", resource)
}

/// The resource of a kind, in all namespaces or cluster-scoped.
pub(super) fn typed_resource<K: Resource>() -> RbacResource<'static> {
    group_resource(K::GROUP, K::URL_PATH_SEGMENT)
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

/// Collects permissions.
#[derive(Debug, Default)]
pub(super) struct PermissionTable {
    stage: PermissionStage,
    permissions: Vec<PermissionCheck>,
}

impl PermissionTable {
    /// Sets the stage of the permissions that follow.
    pub(super) fn set_stage(&mut self, stage: PermissionStage) -> &mut Self {
        self.stage = stage;
        self
    }

    /// Verbs without which a run cannot pass.
    pub(super) fn add_required(&mut self, verbs: &str, on: RbacResource<'_>, purpose: &str) {
        self.add(true, verbs, on, purpose);
    }

    /// Verbs that a PASS does not need.
    pub(super) fn add_optional(&mut self, verbs: &str, on: RbacResource<'_>, purpose: &str) {
        self.add(false, verbs, on, purpose);
    }

    /// Required or optional verbs.
    pub(super) fn add(&mut self, required: bool, verbs: &str, on: RbacResource<'_>, purpose: &str) {
        for verb in verbs.split(' ') {
            let permission = PermissionCheck {
                stage: self.stage,
                verb: verb.to_owned(),
                group: on.group.to_owned(),
                resource: on.resource.to_owned(),
                namespace: on.namespace.to_owned(),
                resource_name: on.name.to_owned(),
                purpose: purpose.to_owned(),
                required,
                allowed: false,
            };
            match self.permissions.iter_mut().find(|known| is_same_permission(known, &permission)) {
                Some(known) if known.required || !required => {}
                Some(known) => *known = permission,
                None => self.permissions.push(permission),
            }
        }
    }

    pub(super) fn into_permissions(self) -> Vec<PermissionCheck> {
        self.permissions
    }
}

/// The same permission in the same stage, for any purpose.
fn is_same_permission(one: &PermissionCheck, other: &PermissionCheck) -> bool {
    let key = |permission: &PermissionCheck| {
        (
            permission.stage,
            permission.verb.clone(),
            permission.group.clone(),
            permission.resource.clone(),
            permission.namespace.clone(),
            permission.resource_name.clone(),
        )
    };
    key(one) == key(other)
}
