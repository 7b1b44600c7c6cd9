//! Draws report.html anew from the records of a bundle: `cargo run --example report -- BUNDLE > report.html`. For whoever works
//! on the report; a run writes its own.

use std::io::Write;

use anyhow::Context;
use gpuhpa::{evidence, judge};

fn main() -> anyhow::Result<()> {
    let bundle = std::env::args_os().nth(1).context("name a bundle")?;
    let held = evidence::open_bundle(bundle.as_ref())?;
    let (verdict, prediction) = (judge::judge(held.records()), judge::predict(held.records()));
    let page = evidence::render_report(&held.finished_run(&verdict, &prediction));
    std::io::stdout().write_all(page.as_bytes()).context("could not write")
}
