//! A model that a remote host serves: the chats show nothing about the accelerators of the pods.

use crate::judge::run_view::RunView;

/// Names the remote host of the first chat that one served, with the observation of the chat.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Option<(String, u64)> {
    let (observation, probe, host) =
        view.probes.iter().find_map(|(o, probe)| Some((o, probe, probe.remote_model.as_ref()?)))?;
    let server =
        if probe.pod.is_empty() { "the first chat".to_owned() } else { format!("the chat of pod {}", probe.pod) };
    let reason = format!(
        "a remote host served {server} ({host}), so the chats show nothing about the accelerators: set load.model to a \
         model that the pods compute themselves"
    );
    Some((reason, observation.seq))
}
