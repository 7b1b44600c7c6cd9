//! The rules of `ci/rbac.yaml`, and what `plan` must say when one is missing.

use gpuhpa::model::permission::PermissionCheck;
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

/// The account that the roles are bound to: `ci/rbac.yaml` creates it.
const ACCOUNT: &str = "system:serviceaccount:gpuhpa:gpuhpa";
const ACCOUNT_GROUPS: [&str; 3] = ["system:serviceaccounts", "system:serviceaccounts:gpuhpa", "system:authenticated"];

/// A Role or ClusterRole.
struct RbacRole {
    object: Value,
    /// Empty for a ClusterRole.
    namespace: String,
    rules: Vec<PolicyRule>,
    /// For each rule whether its comment says Optional: a run passes without it.
    optional: Vec<bool>,
}

/// All roles of the file.
pub(crate) struct RbacFile {
    roles: Vec<RbacRole>,
}

/// A rule, removed together with the rules of other roles that grant some of the same permissions.
pub(crate) struct RuleRemoval {
    /// The role and the number of the rule.
    pub(crate) name: String,
    /// The permissions that the account no longer has.
    pub(crate) lost: Vec<PermissionCheck>,
    /// The changed roles without the rules.
    pub(crate) roles_without: Vec<Value>,
    /// The same roles with all their rules.
    pub(crate) roles_whole: Vec<Value>,
    all_optional: bool,
}

impl RbacFile {
    /// Parses the documents of the file.
    ///
    /// # Errors
    /// A document is no role, or the number of its comments differs from the number of its rules.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let documents = text.split("\n---\n").filter(|text| text.contains("\nrules:\n"));
        Ok(Self { roles: documents.map(RbacRole::parse).collect::<Result<_, _>>()? })
    }

    /// The removal of each rule.
    pub(crate) fn removals(&self) -> Vec<RuleRemoval> {
        let rules = self.roles.iter().flat_map(|role| (0..role.rules.len()).map(move |number| (role, number)));
        rules.map(|(role, number)| self.removal(role, number)).collect()
    }

    fn removal(&self, role: &RbacRole, number: usize) -> RuleRemoval {
        let lost = role.permissions(number);
        let is_removed = |other: &RbacRole, n: usize| {
            (std::ptr::eq(other, role) && n == number) || lost.iter().any(|permission| other.grants(n, permission))
        };
        let touched = self.roles.iter().filter(|other| (0..other.rules.len()).any(|n| is_removed(other, n)));
        let touched: Vec<&RbacRole> = touched.collect();
        let removed = || touched.iter().flat_map(|other| (0..other.rules.len()).map(move |n| (*other, n)));
        let removed = removed().filter(|(other, n)| is_removed(other, *n)).collect::<Vec<_>>();
        RuleRemoval {
            name: format!(
                "{} rule {number}{}",
                role.describe(),
                match removed.len() {
                    1 => String::new(),
                    count => format!(" and {} that grant the same", count - 1),
                }
            ),
            all_optional: removed.iter().all(|(other, n)| other.optional[*n]),
            roles_without: touched.iter().map(|other| other.with_rules(|n| !is_removed(other, n))).collect(),
            roles_whole: touched.iter().map(|other| other.with_rules(|_| true)).collect(),
            lost,
        }
    }
}

impl RbacRole {
    fn parse(text: &str) -> Result<Self, String> {
        let object: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let rules: Vec<PolicyRule> =
            serde_json::from_value(object["rules"].clone()).map_err(|error| error.to_string())?;
        let (mut optional, mut is_optional) = (Vec::new(), false);
        for line in text.split_once("rules:\n").map_or("", |(_, rules)| rules).lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                // A comment of two lines goes on with a small letter.
                let goes_on = !comment.starts_with(char::is_uppercase);
                is_optional = comment.starts_with("Optional") || (is_optional && goes_on);
            } else if line.starts_with("- ") {
                optional.push(is_optional);
            }
        }
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        let role = Self { object, namespace, rules, optional };
        if role.optional.len() == role.rules.len() {
            Ok(role)
        } else {
            Err(format!("{}: {} rules were found by their lines", role.describe(), role.optional.len()))
        }
    }

    fn describe(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!("{} {}/{}", text(&self.object["kind"]), self.namespace, text(&self.object["metadata"]["name"]))
    }

    fn permissions(&self, number: usize) -> Vec<PermissionCheck> {
        let rule = &self.rules[number];
        let names =
            rule.resource_names.clone().filter(|names| !names.is_empty()).unwrap_or_else(|| vec![String::new()]);
        let mut all = Vec::new();
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for (verb, resource_name) in
                    rule.verbs.iter().flat_map(|verb| names.iter().map(move |name| (verb, name)))
                {
                    all.push(PermissionCheck {
                        verb: verb.clone(),
                        group: group.clone(),
                        resource: resource.clone(),
                        namespace: self.namespace.clone(),
                        resource_name: resource_name.clone(),
                        ..PermissionCheck::default()
                    });
                }
            }
        }
        all
    }

    fn grants(&self, number: usize, permission: &PermissionCheck) -> bool {
        let rule = &self.rules[number];
        let has = |list: &[String], item: &String| list.contains(item) || list.iter().any(|one| one == "*");
        (self.namespace.is_empty() || self.namespace == permission.namespace)
            && rule.api_groups.iter().flatten().any(|group| *group == permission.group)
            && has(rule.resources.as_deref().unwrap_or_default(), &permission.resource)
            && has(&rule.verbs, &permission.verb)
            && rule.resource_names.as_ref().is_none_or(|names| names.contains(&permission.resource_name))
    }

    fn with_rules(&self, keep: impl Fn(usize) -> bool) -> Value {
        let mut object = self.object.clone();
        let kept = self.rules.iter().enumerate().filter(|(n, _)| keep(*n)).map(|(_, rule)| json!(rule));
        object["rules"] = kept.collect();
        object
    }
}

impl RuleRemoval {
    /// `plan` goes on without optional permissions, and refuses without others.
    pub(crate) fn expected_exit_code(&self) -> u8 {
        if self.all_optional { 0 } else { 2 }
    }

    /// The lost permissions that the output of `plan` does not name.
    pub(crate) fn permissions_not_named(&self, output: &str) -> Vec<String> {
        let starts = ["warning: no permission to ", "error: this run cannot pass: missing permission: "];
        let lines = output.lines().filter_map(|line| starts.iter().find_map(|start| line.strip_prefix(start)));
        let named: Vec<(&str, &str)> = lines
            .filter_map(|line| line.split_once(" of "))
            .filter_map(|(verbs, rest)| Some((verbs, rest.split_once(", ")?.0)))
            .collect();
        let is_named = |permission: &PermissionCheck| {
            let object = permission.describe_object();
            named.iter().any(|(verbs, named)| *named == object && verbs.split('/').any(|verb| verb == permission.verb))
        };
        let unnamed = self.lost.iter().filter(|permission| !is_named(permission));
        unnamed.map(|permission| format!("{} of {}", permission.verb, permission.describe_object())).collect()
    }

    /// An access review of the first lost permission. A role changes as a whole, so one permission shows the change.
    pub(crate) fn access_review(&self) -> Value {
        let Some(lost) = self.lost.first() else { return Value::Null };
        let (resource, subresource) = lost.resource.split_once('/').unwrap_or((&lost.resource, ""));
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": ACCOUNT, "groups": ACCOUNT_GROUPS,
            "resourceAttributes": {"verb": lost.verb, "group": lost.group, "resource": resource, "subresource": subresource,
                "namespace": lost.namespace, "name": lost.resource_name}}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removals() -> Vec<RuleRemoval> {
        RbacFile::parse(include_str!("../rbac.yaml")).unwrap().removals()
    }

    #[test]
    fn each_rule_of_the_file_can_be_removed_and_some_are_optional() {
        let removals = removals();
        assert!(removals.len() > 30, "{}", removals.len());
        for one in &removals {
            assert!(!one.lost.is_empty() && !one.roles_without.is_empty(), "{}", one.name);
            assert_eq!(one.roles_without.len(), one.roles_whole.len());
            assert_ne!(one.roles_without, one.roles_whole, "{}", one.name);
            assert_ne!(one.access_review(), Value::Null);
        }
        let optional = removals.iter().filter(|one| one.expected_exit_code() == 0).count();
        assert!((1..removals.len()).contains(&optional), "{optional}");
        assert!(removals.iter().any(|one| one.name.contains("that grant the same")));
    }

    #[test]
    fn a_permission_that_plan_does_not_name_is_found() {
        let removals = removals();
        let nodes = removals.iter().find(|one| one.lost.iter().any(|lost| lost.resource == "nodes")).unwrap();
        assert_eq!(nodes.expected_exit_code(), 2);
        assert_eq!(nodes.permissions_not_named(""), ["list of nodes", "watch of nodes"]);
        let error = "error: this run cannot pass: missing permission: list of nodes, needed to see accelerators";
        assert_eq!(nodes.permissions_not_named(error), ["watch of nodes"]);
        let both = error.replace("list of", "list/watch of");
        assert_eq!(nodes.permissions_not_named(&both), Vec::<String>::new());
        assert_eq!(nodes.permissions_not_named(&both.replace("nodes", "nodes/status")).len(), 2);
    }
}
