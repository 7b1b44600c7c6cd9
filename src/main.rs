//! gpuhpa: parse, run, exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    gpuhpa::cli::main().await.into()
}
