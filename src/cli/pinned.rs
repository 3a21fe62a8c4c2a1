//! Files from elsewhere, for the commands: fetched for the real lab, stood in for in a simulated one.

use super::args::Cli;
use super::exit::Failure;
use super::stage::{self, Stage};
use super::terminal::Terminal;
use super::which_lab::WhichLab;
use crate::config::Sources;
use crate::local::download::Cache;

/// Reads the file, and all that is pinned elsewhere: what is not in the cache is fetched for the real lab, and stood in
/// for in a simulated one, which needs no network.
pub(super) async fn stage(cli: &Cli, which: &WhichLab, terminal: Terminal) -> Result<Stage, Failure> {
    let mut sources = stage::sources(cli)?;
    let checked = stage::check_sources(sources.clone());
    if checked.lab.is_none() {
        // Nothing is fetched for a file that can't be used.
        return stage::of(checked, terminal);
    }
    match which {
        WhichLab::Real => {
            let say = |words: &str| terminal.say(&format!("{words}\n"));
            Cache::of_user().fetch(&mut sources, say).await.map_err(|error| Failure::error(error.to_string()))?;
        }
        WhichLab::Simulated(_) => stand_in(&mut sources, terminal),
    }
    stage::of(stage::check_sources(sources), terminal)
}

/// Gives the sources what is in the cache, and stand-ins for the rest; those are said.
pub(super) fn stand_in(sources: &mut Sources, terminal: Terminal) {
    for pin in Cache::of_user().fill(sources) {
        if let Some(text) = pin.stand_in {
            terminal.say(&format!(
                "Simulated lab: a stand-in takes the place of {}, which is not fetched\n",
                pin.url.value
            ));
            sources.insert_pinned(pin.sha256, text.as_bytes());
        }
    }
}
