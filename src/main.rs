//! gpuhpa: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    gpuhpa::cli::main().into()
}
