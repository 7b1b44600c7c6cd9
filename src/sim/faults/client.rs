//! Faults of the machine on which gpuhpa itself runs. That it is stopped at any moment is `tests/rehearsal/stops.rs`.

use super::{FOLLOWS, Fault, Must};
use crate::sim::client::Stalls;
use crate::sim::servers::{During, Since};
use crate::units::Span;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "client-saturated",
        what: "the machine on which gpuhpa runs is overloaded: under load it stands still for 6 s of every 9",
        spoil: |s| {
            let during = During::from(Since::Chats(2));
            s.client.stalls = Some(Stalls { during, every: Span::from_secs(3), lasts: Span::from_secs(6) });
        },
        must: &[FOLLOWS],
    },
    Fault {
        name: "disk-full",
        what: "the disk of the machine on which gpuhpa runs takes no more than 16 KiB of evidence",
        spoil: |s| s.client.room = Some(16 << 10),
        must: &[Must::NotBegin("no storage space")],
    },
];
