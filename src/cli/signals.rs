//! The signals that end a run.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Console;
use crate::run::Signals;

/// Counts the signals that end a run.
pub(super) fn listen() -> std::io::Result<watch::Receiver<Signals>> {
    let (sender, receiver) = watch::channel(Signals::default());
    let mut all = [
        (signal(SignalKind::interrupt())?, "SIGINT"),
        (signal(SignalKind::terminate())?, "SIGTERM"),
        (signal(SignalKind::hangup())?, "SIGHUP"),
    ];
    tokio::spawn(async move {
        loop {
            let [(int, _), (term, _), (hup, _)] = &mut all;
            let last = tokio::select! {
                _ = int.recv() => "SIGINT",
                _ = term.recv() => "SIGTERM",
                _ = hup.recv() => "SIGHUP",
            };
            Console::say(&format!("{last}: ending; once more to stop at once"));
            sender.send_modify(|signals| *signals = Signals { count: signals.count + 1, last });
        }
    });
    Ok(receiver)
}
