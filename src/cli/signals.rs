//! The signals that end a run.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Console;
use crate::run::ReceivedSignals;

/// Counts the signals that end a run. A SIGHUP that was ignored when gpuhpa started (`nohup`) stays ignored. An ignored SIGINT
/// does not: a shell ignores it for every background process.
pub(super) fn listen() -> std::io::Result<watch::Receiver<ReceivedSignals>> {
    let (sender, receiver) = watch::channel(ReceivedSignals::default());
    let signals =
        [(SignalKind::interrupt(), "SIGINT"), (SignalKind::terminate(), "SIGTERM"), (SignalKind::hangup(), "SIGHUP")];
    let ignored = ignored_signals();
    let stays_ignored = |kind: SignalKind| kind == SignalKind::hangup() && is_in_mask(ignored, kind);
    for (kind, last) in signals.into_iter().filter(|(kind, _)| !stays_ignored(*kind)) {
        let (mut signal, sender) = (signal(kind)?, sender.clone());
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                Console::print_message(&format!("{last}: cleaning up; send it again to stop immediately"));
                sender.send_modify(|signals| *signals = ReceivedSignals { count: signals.count + 1, last });
            }
        });
    }
    Ok(receiver)
}

/// Mask of the signals that were ignored when this process started: SigIgn of `/proc/self/status` (proc(5)); empty if the
/// system does not provide it.
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
    fn signals_ignored_by_nohup_are_told_from_the_rest() {
        let ignored = parse_ignored_mask("Name:\tgpuhpa\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n");
        assert!(is_in_mask(ignored, SignalKind::hangup()));
        assert!(!is_in_mask(ignored, SignalKind::interrupt()) && !is_in_mask(ignored, SignalKind::terminate()));
        assert_eq!(parse_ignored_mask("no such line"), 0);
    }
}
