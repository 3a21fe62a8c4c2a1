//! `labctl plan --offline`: against what an earlier plan saw. Nothing is asked, and no secret is needed.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{Cli, Format, PlanArgs};
use super::exit::{Exit, Failure};
use super::measure::Run;
use super::output;
use super::plan::{Made, ending, of_seen, see, shown};
use super::precautions;
use super::stage::{self, Stage};
use super::terminal::Terminal;
use super::which_lab::WhichLab;
use crate::lab::Ground;
use crate::local;
use crate::local::bounded;
use crate::plan::{Observations, Seen};
use crate::report::{self, redaction};
use crate::transport::RecordedLab;

pub(super) async fn run(
    cli: &Cli,
    args: &PlanArgs,
    path: &Path,
    terminal: Terminal,
    run: &mut Run,
) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    let options = stage.options(&args.selection, false)?;
    let observations = read(path)?;
    if observations.lab != stage.lab.name {
        let words = format!(
            "`{}`: these are observations of the lab `{}`, and the file is that of `{}`",
            path.display(),
            observations.lab,
            stage.lab.name
        );
        return Err(Failure::error(words));
    }
    let told = told(&observations);
    let seen = see(&stage, &args.selection, &RecordedLab(observations)).await;
    let Made { plan, .. } = of_seen(&stage, &options, &seen)?;
    run.plan = Some(plan.clone());
    run.findings.clone_from(&stage.findings);
    let file = output::in_repository(&cli.file);
    if args.output.json || args.output.format == Format::Github {
        terminal.say(&format!("{told}\n"));
    }
    output::write(
        &args.output,
        terminal,
        &output::Told {
            comment: report::Comment::of_plan(&file, &plan, &stage.findings, &told),
            json: &|| report::json(&plan),
            text: &|| shown(&plan, args.display.concise, args.display.show_steps, terminal) + &format!("{told}\n"),
        },
    )?;
    Ok(ending(args, &plan))
}

/// Writes what was seen to a file.
pub(super) fn save(path: &Path, stage: &Stage, which: &WhichLab, seen: &BTreeMap<Ground, Seen>) -> Result<(), Failure> {
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    let observations = Observations::new(now, which.to_string(), stage.lab.name.clone(), seen);
    let observations = observations.of_revision(precautions::revision(stage));
    // What a program repeated of a secret would break the seal if it were taken out later.
    let text = observations.to_text();
    if redaction::redacted(&text) != text {
        let words = "what was read holds the value of a secret, so the observations are not saved";
        return Err(Failure::error(words));
    }
    local::private::replace(path, &text).map_err(|error| {
        Failure::error(format!("the observations could not be saved in `{}`: {error}", path.display()))
    })
}

fn read(path: &Path) -> Result<Observations, Failure> {
    let failure = |why: String| Failure::error(format!("`{}`: {why}", path.display()));
    let bytes = bounded::read(path, bounded::SAVED).map_err(|error| failure(error.to_string()))?;
    Observations::parse(&bytes).map_err(|error| failure(error.to_string()))
}

/// When the lab was seen.
fn told(observations: &Observations) -> String {
    let age = jiff::Timestamp::now().duration_since(observations.made_at).as_secs();
    let which = if observations.against == "real" { String::new() } else { format!(" ({})", observations.against) };
    format!(
        "The lab{which} was not asked: this is against what was seen {} ago, at {}.",
        words(age),
        observations.made_at
    )
}

/// A time span in its largest unit.
fn words(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..60 => return "less than a minute".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        assert_eq!(words(-5), "less than a minute");
        assert_eq!(words(119), "1 minute");
        assert_eq!(words(7200), "2 hours");
        assert_eq!(words(900_000), "10 days");
    }
}
