//! `labctl validate`: everything that is wrong with the file. It needs no lab.

use super::args::{Cli, ValidateArgs};
use super::exit::{Exit, Failure};
use super::stage;
use super::terminal::Terminal;
use crate::config::Severity;
use crate::report::diagnostics;

pub(super) fn run(cli: &Cli, args: &ValidateArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let checked = stage::check(cli)?;
    let errors = checked.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let warnings = checked.diagnostics.len() - errors;
    if args.json {
        terminal.print(&format!("{:#}\n", diagnostics::json(&checked.diagnostics, &checked.sources)));
    } else {
        terminal.say(&diagnostics::render(
            &checked.diagnostics,
            &checked.sources,
            terminal.width,
            terminal.paint_messages.color,
        ));
        terminal.print(&verdict(errors, warnings));
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Invalid })
}

fn verdict(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "The file is valid.\n".to_owned(),
        (0, warnings) => format!("The file is valid, with {}.\n", count(warnings, "warning")),
        (errors, 0) => format!("The file is invalid: {}.\n", count(errors, "error")),
        (errors, warnings) => {
            format!("The file is invalid: {}, {}.\n", count(errors, "error"), count(warnings, "warning"))
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
