//! Data model: plain structs passed between the stages and written to the bundle. Nothing here does I/O or reads a
//! clock. The serde keys of these structs are the format of the bundle.

pub mod accelerator;
pub mod assumptions;
pub mod endpoint;
pub mod inventory;
pub mod journal;
pub mod load;
pub mod manifest;
pub mod metric_profile;
pub mod metric_under_test;
pub mod observation;
pub mod permission;
pub mod plan;
pub mod prediction;
pub mod preflight;
pub mod reading;
pub mod rendered;
pub mod resource_kind;
pub mod revision;
pub mod run_records;
pub mod scenario;
pub mod shipped_profiles;
pub mod snapshot;
pub mod stamp;
pub mod timeline;
pub mod verdict;
