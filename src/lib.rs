//! gpuhpa: a conformance harness for the HorizontalPodAutoscaler on accelerator pods.
//!
//! The house has floors. A module imports only from floors below its own; strangers on one floor do not import each
//! other. `tests/floors.rs` reads the sources and fails on an edge that climbs.
//!
//! | floor | modules | what stands there |
//! |---|---|---|
//! | face | [`cli`] | one file per command, console, exit codes |
//! | conductor | [`run`] | the phases in order; load beside observation; clean-up on every path; the review of a bundle |
//! | verbs | [`scenario`] [`plan`] [`install`] [`load`] [`observe`] [`judge`] [`evidence`] [`live`] [`sim`] | functions over nouns |
//! | readers | [`metrics`] [`ollama`] | what a server's answer means |
//! | doors | [`world`] | all that touches the outside |
//! | maths | [`hpa`] [`bounds`] | the controller's arithmetic, and named terms of time |
//! | nouns | [`record`] | plain structs, without IO |
//! | words | [`units`] [`clock`] [`seed`] [`causes`] [`stop`] | units, time, chance, what lies behind an error, an end for all |

pub mod bounds;
pub mod cancel;
pub mod cli;
pub mod clock;
pub mod env;
pub mod error_chain;
pub mod evidence;
pub mod hpa;
pub mod install;
pub mod judge;
pub mod live;
pub mod load;
pub mod metrics;
pub mod model;
pub mod observe;
pub mod ollama;
pub mod plan;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod sim;
pub mod units;
