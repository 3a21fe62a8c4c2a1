//! `labctl completions`: a completion script for a shell.

use clap::CommandFactory as _;

use super::args::Cli;
use super::exit::Exit;
use super::terminal::Terminal;

pub(super) fn run(shell: clap_complete::Shell, terminal: Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "labctl", &mut script);
    terminal.print(&String::from_utf8_lossy(&script));
    Exit::Done
}
