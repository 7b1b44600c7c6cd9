//! Data model: plain structs passed between the stages and written to the bundle. Nothing here does I/O or reads a
//! clock. The serde keys of these structs are the format of the bundle.

pub(crate) mod accelerator;
pub(crate) mod adapter_rule;
pub(crate) mod assumptions;
pub(crate) mod endpoint;
pub mod figures;
pub(crate) mod hpa_source;
pub mod inventory;
pub mod journal;
pub mod load;
pub mod manifest;
pub(crate) mod metric_profile;
pub mod metric_under_test;
pub(crate) mod mig;
pub mod node_info;
pub(crate) mod non_accelerators;
mod nullable_map;
pub mod observation;
pub mod permission;
pub mod plan;
pub mod prediction;
pub(crate) mod preflight;
pub(crate) mod promql_query;
pub mod reading;
pub(crate) mod record_numbers;
pub(crate) mod rendered;
pub(crate) mod resource_claims;
pub(crate) mod resource_kind;
pub mod revision;
pub mod run_records;
pub mod scenario;
pub(crate) mod scenario_limits;
pub(crate) mod shipped_profiles;
pub(crate) mod simulated_uid;
pub(crate) mod snapshot;
pub(crate) mod stamp;
pub mod verdict;
