//! The `labctl` program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    labctl::cli::run(&labctl::cli::Cli::parse()).into()
}
