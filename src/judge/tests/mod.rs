//! Tests of the judge with recorded runs and variations of them: every check passing, failing and inconclusive;
//! properties that hold for all runs; and tampering or unlucky timing that must not change a verdict.

mod checks;
mod constant_load;
mod control;
mod controller_faults;
mod device_identity;
mod hold;
mod interruption;
mod live_status;
mod metric_diagnosis;
mod model_cluster;
mod new_pods_serve;
mod oracle;
mod pods_over_time;
mod prediction;
mod progress;
mod properties;
mod recorded;
mod restarts;
mod run_fixture;
mod scale_down;
mod scale_up;
mod setup;
mod shared_devices;
mod stored_hpa;
mod traffic;
mod waiting;
