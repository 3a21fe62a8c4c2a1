//! The `labctl` program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use labctl::cli::{self, Cli, Exit};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cli::run(&cli).into(),
        Err(message) => {
            // Nobody is left to be told that the message could not be printed.
            let _ = message.print();
            // clap's own code for wrong arguments, 2, says here that changes are pending.
            if message.use_stderr() { Exit::Error.into() } else { Exit::Done.into() }
        }
    }
}
