//! The nouns: everything that passes between the verbs and into the bundle. Plain structs that know no IO, no clock
//! and no cluster; each is written to and read from the evidence as it stands here.

pub mod accelerator;
pub mod assumptions;
pub mod endpoint;
pub mod inventory;
pub mod journal;
pub mod load;
pub mod manifest;
pub mod observation;
pub mod permission;
pub mod plan;
pub mod prediction;
pub mod preflight;
pub mod reading;
pub mod rendered;
pub mod resource_kind;
pub mod run_records;
pub mod scenario;
pub mod snapshot;
pub mod stamp;
pub mod timeline;
pub mod verdict;
