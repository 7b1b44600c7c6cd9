//! The signals that end a run.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Console;
use crate::run::ReceivedSignals;

/// Counts the signals that end a run. A hangup that was ignored when gpuhpa was started (`nohup`) stays so; SIGINT does not,
/// which a shell ignores for whatever it starts in the background.
pub(super) fn listen() -> std::io::Result<watch::Receiver<ReceivedSignals>> {
    let (sender, receiver) = watch::channel(ReceivedSignals::default());
    let all =
        [(SignalKind::interrupt(), "SIGINT"), (SignalKind::terminate(), "SIGTERM"), (SignalKind::hangup(), "SIGHUP")];
    let ignored = ignored_signals();
    let stays_ignored = |kind: SignalKind| kind == SignalKind::hangup() && is_in_mask(ignored, kind);
    for (kind, last) in all.into_iter().filter(|(kind, _)| !stays_ignored(*kind)) {
        let (mut signal, sender) = (signal(kind)?, sender.clone());
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                Console::print_message(&format!("{last}: ending; once more to stop at once"));
                sender.send_modify(|signals| *signals = ReceivedSignals { count: signals.count + 1, last });
            }
        });
    }
    Ok(receiver)
}

/// The signals that this process was started to ignore, a bit each: SigIgn of `/proc/self/status` (proc(5)). None where
/// the system does not tell.
fn ignored_signals() -> u64 {
    parse_ignored_mask(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn parse_ignored_mask(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn is_in_mask(mask: u64, kind: SignalKind) -> bool {
    // Signal n is bit n - 1.
    u32::try_from(kind.as_raw_value() - 1).is_ok_and(|bit| mask >> bit & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_ignores_is_told_from_the_rest() {
        let ignored = parse_ignored_mask("Name:\tgpuhpa\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n");
        assert!(is_in_mask(ignored, SignalKind::hangup()));
        assert!(!is_in_mask(ignored, SignalKind::interrupt()) && !is_in_mask(ignored, SignalKind::terminate()));
        assert_eq!(parse_ignored_mask("no such line"), 0);
    }
}
