//! Defaults and validation of resource claims and their templates, as far as the simulator reads them (kubernetes v1.37.2,
//! pkg/apis/resource/v1/defaults.go and validation/validation.go).

use serde_json::{Value, json};

use super::create::invalid_error;
use super::defaults::set_default;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{StatusError, metadata_text};

/// # Errors
/// A request states neither `exactly` nor `firstAvailable`.
pub(super) fn set_claim_defaults(kind: &ResourceKind, object: &mut Value) -> Result<(), StatusError> {
    let name = metadata_text(object, "name");
    let (spec, path) = match kind.kind {
        "ResourceClaimTemplate" => (&mut object["spec"]["spec"], "spec.spec"),
        _ => (&mut object["spec"], "spec"),
    };
    for (number, request) in spec["devices"]["requests"].as_array_mut().into_iter().flatten().enumerate() {
        if let Some(exactly) = request.get_mut("exactly").filter(|exactly| exactly.is_object()) {
            set_default(exactly, "allocationMode", json!("ExactCount"));
            if exactly["allocationMode"] == "ExactCount" {
                set_default(exactly, "count", json!(1));
            }
        } else if request["firstAvailable"].as_array().is_none_or(Vec::is_empty) {
            let field = format!("{path}.devices.requests[{number}]");
            let message = format!("{field}: Required value: exactly one of `exactly` or `firstAvailable` is required");
            return Err(invalid_error(kind, &name, &message));
        }
    }
    Ok(())
}
