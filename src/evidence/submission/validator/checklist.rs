//! The requirements of a version: from the clone's own checklist, or, where the directory is not in a clone, those that are known
//! here.

use std::collections::BTreeMap;
use std::path::Path;

use super::folder::read_bytes;
use super::product_yaml::{RequirementEntry, read_product_yaml};
use crate::evidence::submission::ProgramVersion;

/// Category → ids and levels, in the checklist's order.
pub(super) type Checklist = BTreeMap<String, Vec<(String, String)>>;

/// Where the requirements are from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ChecklistSource {
    /// The clone's `docs/`.
    Clone(String),
    BuiltIn,
}

/// Ids and levels of cncf/k8s-ai-conformance, docs/AIConformance-1.33.yaml to 1.36.yaml at b2c89690, and 1.37 at 287b44f0: first
/// and last minor version, category, id, level.
const BUILT_IN: [(u32, u32, &str, &str, &str); 17] = [
    (33, 33, "accelerators", "dra_support", "SHOULD"),
    (34, 35, "accelerators", "dra_support", "MUST"),
    (35, 37, "accelerators", "driver_runtime_management", "SHOULD"),
    (35, 37, "accelerators", "gpu_sharing", "SHOULD"),
    (35, 37, "accelerators", "virtualized_accelerator", "SHOULD"),
    (33, 37, "networking", "ai_inference", "MUST"),
    (36, 37, "networking", "advanced_inference_ingress", "SHOULD"),
    (36, 37, "networking", "high_performance_networking", "SHOULD"),
    (36, 37, "networking", "disaggregated_inference", "SHOULD"),
    (33, 37, "schedulingOrchestration", "gang_scheduling", "MUST"),
    (33, 37, "schedulingOrchestration", "cluster_autoscaling", "MUST"),
    (33, 37, "schedulingOrchestration", "pod_autoscaling", "MUST"),
    (33, 37, "observability", "accelerator_metrics", "MUST"),
    (33, 37, "observability", "ai_service_metrics", "MUST"),
    (33, 37, "security", "secure_accelerator_access", "MUST"),
    (37, 37, "security", "workload_sandboxing", "SHOULD"),
    (33, 37, "operator", "robust_controller", "MUST"),
];

/// Loads the checklist of a version; `None` if there is none.
///
/// # Errors
/// The clone's checklist cannot be read.
pub(super) fn load_checklist(
    clone: Option<&Path>,
    version: &ProgramVersion,
) -> Result<Option<(Checklist, ChecklistSource)>, String> {
    let name = format!("docs/AIConformance-{}.yaml", version.label().trim_start_matches('v'));
    let docs = clone.map(|clone| clone.join("docs")).filter(|docs| has_checklists(docs));
    let (Some(clone), true) = (clone, docs.is_some()) else {
        let checklist = built_in(version);
        return Ok((!checklist.is_empty()).then_some((checklist, ChecklistSource::BuiltIn)));
    };
    if std::fs::metadata(clone.join(&name)).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let bytes = read_bytes(clone, &name)?;
    let yaml = read_product_yaml(&bytes).map_err(|error| format!("{name}: {}", error.message))?;
    let requirements =
        |entries: Vec<RequirementEntry>| entries.into_iter().map(|entry| (entry.id, entry.level)).collect();
    let spec = yaml.spec.unwrap_or_default();
    let checklist = spec.into_iter().map(|(category, entries)| (category, requirements(entries))).collect();
    Ok(Some((checklist, ChecklistSource::Clone(name))))
}

fn has_checklists(docs: &Path) -> bool {
    let mut names = std::fs::read_dir(docs).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().starts_with("AIConformance-"))
}

fn built_in(version: &ProgramVersion) -> Checklist {
    let mut checklist = Checklist::new();
    for (first, last, category, id, level) in BUILT_IN {
        if version.is_between((1, first), (1, last)) {
            checklist.entry(category.to_owned()).or_default().push((id.to_owned(), level.to_owned()));
        }
    }
    checklist
}
