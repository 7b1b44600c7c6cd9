//! `gpuhpa judge` over a bundle that was recorded on the rig: it is sound as it stands, and whatever is altered is found.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

mod altered;
mod bundle;
mod command;
mod relisted;
mod signed;
