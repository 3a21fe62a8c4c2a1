//! `--lab`: whether a command talks to the real lab or to a simulated one that is kept in a folder between calls.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::exit::Failure;
use super::permissions;
use super::stage::Stage;
use super::terminal::Terminal;
use crate::lab::Ground;
use crate::local;
use crate::observe::{Ask, Reply};
use crate::plan::Step;
use crate::transport::simulated::{MadeUp, SimulatedLab, World};
use crate::transport::{Access, ReachError, RealLab, StepOutcome, Transport};

/// Where a simulated lab is kept when no folder is named.
const FOLDER: &str = ".labctl/simulated";

/// Which lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WhichLab {
    /// The one that the file describes.
    #[default]
    Real,
    /// One that is simulated and kept in this folder.
    Simulated(PathBuf),
}

impl FromStr for WhichLab {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':').unwrap_or((text, FOLDER)) {
            ("real", _) => Ok(Self::Real),
            ("simulated", folder) if !folder.is_empty() => Ok(Self::Simulated(folder.into())),
            _ => Err("say `real`, `simulated` or `simulated:FOLDER`".to_owned()),
        }
    }
}

impl fmt::Display for WhichLab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Simulated(folder) if folder == Path::new(FOLDER) => f.write_str("simulated"),
            Self::Simulated(folder) => write!(f, "simulated:{}", folder.display()),
        }
    }
}

/// The lab that a command talks to.
pub(super) enum Target {
    /// As it is.
    Real(Box<RealLab>),
    /// Simulated, kept in a folder after every leg.
    Simulated { lab: Box<SimulatedLab>, folder: PathBuf },
}

impl Target {
    /// The lab that was chosen.
    pub(super) fn open(stage: &Stage, which: &WhichLab, access: Access, terminal: Terminal) -> Result<Self, Failure> {
        let values = local::Values::new(&stage.lab, Arc::clone(&stage.sources));
        let WhichLab::Simulated(folder) = which else {
            permissions::warn(stage, &values, terminal);
            return Ok(Self::Real(Box::new(RealLab::new(&stage.lab, Arc::new(values), access))));
        };
        let world = if let Some(world) = world(folder)? {
            terminal.say(&banner(&format!("kept in `{}`", folder.display())));
            world
        } else {
            terminal.say(&banner(&format!("new, to be kept in `{}`", folder.display())));
            World::found(&stage.lab, 0)
        };
        let lab = SimulatedLab::new(&stage.lab, world, Arc::new(MadeUp(values))).with_access(access);
        Ok(Self::Simulated { lab: Box::new(lab), folder: folder.clone() })
    }
}

/// The simulated lab that is kept in a folder, if there is one.
pub(super) fn world(folder: &Path) -> Result<Option<World>, Failure> {
    let text = local::kept::read(folder).map_err(|error| Failure::error(error.to_string()))?;
    let world = text.map(|text| World::from_json(&text)).transpose();
    world.map_err(|error| Failure::error(format!("`{}`: {error}", folder.display())))
}

/// What stands above everything that is said of a simulated lab.
pub(super) fn banner(words: &str) -> String {
    format!("Simulated lab ({words}): nothing real is asked or changed.\n")
}

impl Transport for Target {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        match self {
            Self::Real(lab) => lab.probe(ground, asks),
            Self::Simulated { lab, .. } => lab.probe(ground, asks),
        }
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        match self {
            Self::Real(lab) => lab.act(ground, leg),
            Self::Simulated { lab, folder } => async move {
                let outcomes = lab.act(ground, leg).await;
                match local::kept::write(folder, &lab.world().to_json()) {
                    Ok(()) => outcomes,
                    Err(error) => vec![StepOutcome::Lost(error.to_string())],
                }
            }
            .boxed(),
        }
    }

    fn is_in_real_time(&self) -> bool {
        matches!(self, Self::Real(_))
    }
}

#[cfg(test)]
mod tests {
    use super::WhichLab;

    #[test]
    fn a_choice_of_lab_is_read_as_it_is_printed() {
        for text in ["real", "simulated", "simulated:/tmp/x"] {
            assert_eq!(text.parse::<WhichLab>().unwrap().to_string(), text);
        }
        assert!("simulated:".parse::<WhichLab>().is_err() && "lab".parse::<WhichLab>().is_err());
    }
}
