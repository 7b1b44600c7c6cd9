//! Of ScaleUp/NewPodsRunOnAccelerators: a pod that the scheduler cannot place because no accelerator is free.

use crate::judge::check_result::format_replicas;
use crate::judge::run_view::RunView;
use crate::model::observation::NotRunningReason;

pub(super) fn describe_shortage(view: &RunView<'_>, name: &str, trouble: &NotRunningReason, now: u64) -> String {
    let replicas = view.workload_at(now).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    format!("(capacity) pod {name} finds no free accelerator for {}: {}", format_replicas(replicas), trouble.message)
}
