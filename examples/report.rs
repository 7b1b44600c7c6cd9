//! Renders report.html from the records of a bundle: `cargo run --example report -- BUNDLE > report.html`. Helps to
//! work on the report without a new run.

use std::io::Write;

use anyhow::Context;
use gpuhpa::{evidence, judge};

fn main() -> anyhow::Result<()> {
    let bundle = std::env::args_os().nth(1).context("usage: report BUNDLE")?;
    let loaded = evidence::open_bundle(bundle.as_ref())?;
    let (verdict, prediction) = (judge::judge(loaded.records()), judge::predict(loaded.records()));
    let html = evidence::render_report(&loaded.finished_run(&verdict, &prediction));
    std::io::stdout().write_all(html.as_bytes()).context("could not write to stdout")
}
