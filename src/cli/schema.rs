//! `labctl schema`: the JSON schema of the file, for editors.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

pub(super) fn run(terminal: Terminal) -> Result<Exit, Failure> {
    let text =
        serde_json::to_string_pretty(&crate::config::schema()).map_err(|error| Failure::error(error.to_string()))?;
    terminal.print(&(text + "\n"));
    Ok(Exit::Done)
}
