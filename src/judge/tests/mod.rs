//! The judge against recorded runs and changes of them: every check holding, failing and inconclusive; what no run may
//! do; and what an attacker or an unlucky moment could do to a verdict.

mod control;
mod controller_faults;
mod hold;
mod live_status;
mod metric_diagnosis;
mod model_cluster;
mod oracle;
mod prediction;
mod properties;
mod recorded;
mod run_fixture;
mod scale_down;
mod scale_up;
mod setup;
