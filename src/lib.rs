//! gpuhpa: a conformance harness for the HorizontalPodAutoscaler on accelerator pods.
//!
//! # Layers
//! A module imports only from layers below its own; modules of one layer do not import each other. `tests/layers.rs` reads
//! the sources and fails on any other import.
//!
//! | layer | modules | contents |
//! |---|---|---|
//! | CLI | [`cli`] | commands, console, exit codes |
//! | orchestration | [`run`] | the phases of a run, early exit, clean-up on every path; the review of bundles |
//! | stages | [`init`] [`scenario`] [`plan`] [`install`] [`load`] [`observe`] [`judge`] [`evidence`] | from the scenario of a cluster to the bundle, in this order |
//! | | [`live`] [`sim`] | the two environments: a real cluster, a simulated one |
//! | parsers | [`snapshot`] [`metrics`] [`protocol`] | Kubernetes objects; metrics APIs, store and exporter; chats with a server |
//! | I/O boundary | [`env`](mod@env) | Kubernetes API, HTTP, helm, bundle, timeline, redaction |
//! | time bounds | [`bounds`] | the time bounds of phases and checks |
//! | HPA model | [`hpa`] | the controller's arithmetic |
//! | data model | [`model`] | plain structs of scenario, inventory, plan, journal, observation, load, verdict |
//! | primitives | [`units`] [`clock`] [`seed`] [`cancel`] [`error_chain`] [`hidden_chars`] | units, time, random numbers, cancellation, error messages, characters that no reader sees |
//!
//! # Glossary
//! | word | meaning |
//! |---|---|
//! | adopt | to use an existing release or object without a change; its digest must be the same after the run |
//! | baseline | the phase without load before the scale-up, in which replicas must stay at minReplicas |
//! | bound | a time limit, the sum of named terms |
//! | bundle | the folder with the evidence of one run |
//! | case | one result of the verdict, and one JUnit test case |
//! | check | the function that evaluates a case from the records |
//! | client-bound | of a load: limited by the load generator instead of the target, so that it proves nothing |
//! | direct chat, probe | one chat with a single pod, through the API server's pod proxy |
//! | finding | a remark of the verdict that changes no result |
//! | format | the revision of the bundle's files and keys |
//! | hop | one of the places where the metric can be read: exporter, store, metrics API, HPA status |
//! | inventory | the state of the cluster before the run |
//! | journal | the changes of a run to the cluster, each recorded before it is attempted; undo reads it |
//! | lag | the time until a change of the load shows in the metric at the metrics API, the sum of the hops' intervals |
//! | leftovers | objects of an interrupted run, found by the run's label |
//! | observation | the state of one object at one time of the run's clock, one line of the timeline |
//! | metric under test | the HPA's metric that the run reads and the load moves, resolved once from the scenario |
//! | orphan | an object that a helm release created outside of its namespace, and whose helm record is gone |
//! | plan | the changes, bounds, preflight errors and warnings of a run, before its first change |
//! | preflight | the part of the plan that finds why a run cannot pass |
//! | profile | what is known of an exporter: range and unit of its series, labels, blank values, accelerators (`profiles`) |
//! | protocol | how a server is asked for a chat and how it answers, for example Ollama's; the load's key `load.protocol` |
//! | recommendation | the desired replicas that the HPA controller computes from one metric value |
//! | rehearsal | a run on a simulated cluster in virtual time |
//! | rules | the revision of the checks, bounds and texts that derive the verdict from the records |
//! | scenario | the YAML file with releases, HPA, metric, load and assumptions of a run |
//! | settled | of a run: no remaining phase can change the verdict |
//! | stamp | a restriction of the evidence that every file names: STAND-IN, REHEARSAL |
//! | stand-in | a replacement for a real accelerator, as the test rig uses it |
//! | sweep | a rehearsal of one scenario under a range of loads |
//! | target | the workload that the HPA scales |
//! | term | one part of a bound: read from the cluster, assumed, or caused by gpuhpa |
//! | timeline | all observations of a run, in the order in which gpuhpa received them |
//! | verdict | the results of all cases, and the result of the run |

mod bounds;
mod cancel;
pub mod cli;
pub mod clock;
pub mod env;
mod error_chain;
pub mod evidence;
mod hidden_chars;
pub mod hpa;
mod init;
pub mod install;
pub mod judge;
pub mod live;
pub mod load;
mod metrics;
pub mod model;
mod observe;
pub mod plan;
mod protocol;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod sim;
mod snapshot;
pub mod units;
