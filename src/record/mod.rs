//! The nouns: everything that passes between the verbs and into the bundle. Plain structs that know no IO, no clock
//! and no cluster; each is written to and read from the evidence as it stands here.

pub mod accelerator;
pub mod assumptions;
pub mod endpoint;
pub mod foresight;
pub mod inventory;
pub mod journal;
pub mod kind;
pub mod load;
pub mod manifest;
pub mod object;
pub mod observation;
pub mod plan;
pub mod prediction;
pub mod reading;
pub mod records;
pub mod rendered;
pub mod right;
pub mod scenario;
pub mod stamp;
pub mod timeline;
pub mod verdict;
