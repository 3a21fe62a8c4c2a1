//! `plan --metrics FILE`: what came of the run, whatever came of it.

use std::path::Path;
use std::time::Instant;

use super::exit::{Exit, Failure};
use crate::config::Diagnostic;
use crate::local;
use crate::plan::Plan;
use crate::report::{self, Measured};

/// What is known of a run so far.
pub(super) struct Run {
    started: Instant,
    pub(super) plan: Option<Plan>,
    pub(super) findings: Vec<Diagnostic>,
}

impl Run {
    pub(super) fn begin() -> Self {
        Self { started: Instant::now(), plan: None, findings: Vec::new() }
    }

    /// Writes the file.
    pub(super) fn write(&self, path: &Path, ended: &Result<Exit, Failure>) -> Result<(), Failure> {
        // The first run finds none; what is no metrics file tells nothing.
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let measured = Measured {
            plan: self.plan.as_ref(),
            findings: &self.findings,
            is_success: matches!(ended, Ok(Exit::Done | Exit::Pending)),
            now: jiff::Timestamp::now().as_second(),
            duration: self.started.elapsed().as_secs_f64(),
        };
        local::private::replace_readable(path, &report::metrics(measured, &before)).map_err(|error| {
            Failure::error(format!("the metrics could not be written to `{}`: {error}", path.display()))
        })
    }
}
