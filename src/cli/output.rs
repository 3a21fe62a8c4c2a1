//! Where a plan or a comparison goes: to the terminal in one of its forms, into files, to a forge.

use std::io::Write as _;
use std::path::Path;

use super::args::{Format, Output};
use super::exit::Failure;
use super::terminal::Terminal;
use crate::local;
use crate::report::{self, Comment, redaction};

/// The variable in which GitHub Actions names the file whose Markdown it shows on the page of a run.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// One thing in all its forms.
pub(super) struct Told<'a> {
    pub(super) comment: Comment<'a>,
    pub(super) json: &'a dyn Fn() -> String,
    pub(super) text: &'a dyn Fn() -> String,
}

/// Prints it as it was asked for, and writes it where else it was asked for.
pub(super) fn write(output: &Output, terminal: Terminal, told: &Told<'_>) -> Result<(), Failure> {
    if let Some(path) = &output.json_into {
        local::private::replace(path, &redaction::redacted(&(told.json)()))
            .map_err(|error| unwritable(path, &error))?;
    }
    if let Some(path) = std::env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty()) {
        let text = report::markdown(&told.comment, report::LIMIT);
        append(Path::new(&path), &redaction::redacted(&text)).map_err(|error| unwritable(Path::new(&path), &error))?;
    }
    terminal.print(&match (output.json, output.format) {
        (true, _) => (told.json)(),
        (_, Format::Text) => (told.text)(),
        (_, Format::Markdown) => report::markdown(&told.comment, report::LIMIT),
        (_, Format::Github) => report::annotations(&told.comment),
    });
    Ok(())
}

/// The lab's file as a repository calls it, whose root is where labctl is called.
pub(super) fn in_repository(file: &Path) -> String {
    let text = file.to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::error(format!("`{}` can't be written: {error}", path.display()))
}
