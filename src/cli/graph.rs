//! `labctl graph`: what depends on what. It needs no lab.

use super::args::{Cli, GraphArgs, GraphForm};
use super::exit::{Exit, Failure};
use super::stage;
use super::terminal::Terminal;
use crate::report::graph;

pub(super) fn run(cli: &Cli, args: &GraphArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    terminal.print(&match args.format {
        GraphForm::Text => graph::text(&stage.graph),
        GraphForm::Dot => graph::dot(&stage.graph),
        GraphForm::Mermaid => graph::mermaid(&stage.graph),
    });
    Ok(Exit::Done)
}
