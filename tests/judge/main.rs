//! `gpuhpa judge` over a bundle that was recorded on the rig: it is sound, and every alteration is found.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot read its own files has failed")]

mod altered;
mod bundle;
mod command;
mod figures;
mod leaves;
mod relisted;
mod revisions;
mod signed;
