//! The validator's rules for `metadata`.

use std::collections::{BTreeMap, BTreeSet};

use super::product_yaml::MetadataValue;
use super::program_rules::ProgramRemark;
use super::web_address::find_fault;

/// The fields, and whether they are required.
const FIELDS: [(&str, bool); 11] = [
    ("kubernetesVersion", true),
    ("platformName", true),
    ("platformVersion", true),
    ("vendorName", true),
    ("websiteUrl", true),
    ("repoUrl", false),
    ("documentationUrl", true),
    ("productLogoUrl", true),
    ("description", true),
    ("contactEmailAddress", true),
    (K8S_CONFORMANCE_URL, true),
];

const K8S_CONFORMANCE_URL: &str = "k8sConformanceUrl";

type Metadata = BTreeMap<String, MetadataValue>;

/// Checks the section; membership only if the members are known.
pub(super) fn check_metadata(metadata: Option<&Metadata>, members: Option<&BTreeSet<String>>) -> Vec<ProgramRemark> {
    let Some(metadata) = metadata else {
        return vec![ProgramRemark::new("metadata-section-missing", "", "`metadata` is missing")];
    };
    let mut remarks: Vec<ProgramRemark> =
        FIELDS.iter().filter_map(|(field, is_required)| check_field(metadata, field, *is_required)).collect();
    let vendor = match metadata.get("vendorName").or_else(|| metadata.get("vendor_name")) {
        Some(MetadataValue::Text(vendor)) => vendor.trim(),
        _ => "",
    };
    if !vendor.is_empty() && members.is_some_and(|members| !members.contains(vendor)) {
        let message = format!("the vendor `{vendor}` is no member of the foundation");
        remarks.push(ProgramRemark::new("vendor-unknown", "", message));
    }
    remarks
}

fn check_field(metadata: &Metadata, field: &'static str, is_required: bool) -> Option<ProgramRemark> {
    let remark = |rule, message: String| Some(ProgramRemark::new(rule, field, message));
    let snake = snake_case(field);
    let text = match metadata.get(field).or_else(|| metadata.get(&snake)) {
        None | Some(MetadataValue::Null) if is_required => {
            return remark("metadata-missing", format!("metadata.{field} (or {snake}) is missing"));
        }
        None | Some(MetadataValue::Null) => return None,
        Some(MetadataValue::Other) => {
            return remark("metadata-no-text", format!("metadata.{field} is not a text; quote it"));
        }
        Some(MetadataValue::Text(text)) => text,
    };
    if text.is_empty() {
        return if is_required { remark("metadata-empty", format!("metadata.{field} is empty")) } else { None };
    }
    if text.starts_with('[') && text.ends_with(']') {
        return remark("metadata-placeholder", format!("metadata.{field} is the placeholder `{text}`"));
    }
    if field == K8S_CONFORMANCE_URL && !is_k8s_conformance_url(text) {
        let form = "https://github.com/cncf/k8s-conformance/tree/master/vX.Y/PRODUCT";
        return Some(ProgramRemark::new("k8s-url-form", "", format!("metadata.{field} is `{text}`, not {form}")));
    }
    let fault = if text.starts_with("http") { find_fault(text)? } else { return None };
    remark("metadata-url", format!("metadata.{field} is `{text}`, which cannot be asked for: {fault}"))
}

/// `platform_name` for `platformName`.
fn snake_case(field: &str) -> String {
    let mut out = String::new();
    for c in field.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn is_k8s_conformance_url(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest = text.strip_prefix("https://github.com/cncf/k8s-conformance/tree/");
    let rest = rest.and_then(|rest| rest.strip_prefix("master/").or_else(|| rest.strip_prefix("main/")));
    let Some((version, product)) = rest.and_then(|rest| rest.strip_prefix('v')?.split_once('/')) else { return false };
    let product = product.strip_suffix('/').unwrap_or(product);
    let is_version = version.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor));
    is_version && !product.is_empty() && !product.contains('/')
}
