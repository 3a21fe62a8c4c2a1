//! Saved plans: `plan --out FILE`, `apply FILE`, `show FILE`.

use std::path::Path;
use std::time::Duration;

use super::apply::{Errand, Purpose};
use super::args::{ApplyArgs, Cli, Selection};
use super::exit::{Exit, Failure};
use super::plan::{obstacles, show as show_plan};
use super::precautions::{self, AllFacts};
use super::skipping::Skipping;
use super::stage::Stage;
use super::terminal::Terminal;
use super::waves::Approval;
use super::which_lab::WhichLab;
use super::{permissions, pinned};
use crate::local;
use crate::local::bounded;
use crate::plan::{Options, Plan, SavedPlan};
use crate::report::{self, Detail, Summary};

/// Writes a plan to a file.
pub(super) fn save(
    path: &Path,
    stage: &Stage,
    options: &Options,
    which: &WhichLab,
    plan: &Plan,
    facts: &AllFacts,
) -> Result<(), Failure> {
    let tools = facts.iter().filter(|(_, facts)| !facts.tools.is_empty());
    let saved = SavedPlan {
        made_at: jiff::Timestamp::now(),
        against: which.to_string(),
        sources: stage.sources.digests(),
        revision: precautions::revision(stage),
        options: options.clone(),
        tools: tools.map(|(ground, facts)| (ground.to_string(), facts.tools.clone())).collect(),
        plan: plan.clone(),
    };
    local::private::replace(path, &saved.to_text())
        .map_err(|error| Failure::error(format!("the plan could not be saved in `{}`: {error}", path.display())))
}

/// How a plan that was just saved is used.
pub(super) fn advice(path: &Path) -> String {
    let file = crate::plan::quote(&path.to_string_lossy());
    format!("\nSaved the plan in {file}. To do exactly this:\n  labctl apply {file}\n")
}

fn read(path: &Path) -> Result<SavedPlan, Failure> {
    let failure = |why: String| Failure::error(format!("`{}`: {why}", path.display()));
    let bytes = bounded::read(path, bounded::SAVED).map_err(|error| failure(error.to_string()))?;
    SavedPlan::parse(&bytes).map_err(|error| failure(error.to_string()))
}

/// `labctl show FILE`. It needs neither the file nor the lab.
pub(super) fn show(path: &Path, json: bool, terminal: Terminal) -> Result<Exit, Failure> {
    let saved = read(path)?;
    if json {
        // Plans are plain data with string keys: they always serialize.
        terminal.print(&(serde_json::to_string_pretty(&saved).unwrap_or_default() + "\n"));
    } else {
        let detail = Detail { concise: false, steps: false, width: terminal.width };
        terminal.print(&report::saved_head(&saved));
        terminal.print(&report::plan(&saved.plan, detail, terminal.paint));
    }
    Ok(Exit::Done)
}

/// `labctl apply FILE`: exactly what the plan says. Nobody is asked; what would have to be asked stops the run.
pub(super) async fn apply(cli: &Cli, args: &ApplyArgs, path: &Path, terminal: Terminal) -> Result<Exit, Failure> {
    let saved = read(path)?;
    permissions::warn_of_plan(path, terminal);
    let refused = |why: String| Failure::new(Exit::Stale, format!("`{}`: {why}", path.display()));
    let made_for: WhichLab = saved.against.parse().map_err(Failure::error)?;
    let stage = pinned::stage(cli, &made_for, terminal).await?;
    if let Some(why) = saved.objection(&stage.lab.name, &stage.sources) {
        return Err(refused(why));
    }
    if args.selection.lab != made_for && args.selection.lab != WhichLab::default() {
        return Err(refused(format!("it was made for the lab `{made_for}`, not for `{}`", args.selection.lab)));
    }
    let target = stage.transport(&made_for, args.selection.read_only, terminal)?;
    let skip_unreachable = saved.options.skip_unreachable || args.selection.skip_unreachable;
    let options = Options { today: Some(jiff::Zoned::now().date()), skip_unreachable, ..saved.options };
    let transport = Skipping::new(&target, &stage.lab, skip_unreachable);
    let selection = Selection { lab: made_for, ..args.selection.clone() };
    let plan = saved.plan;
    let mut grounds: Vec<_> = plan.changes.iter().filter(|change| change.is_due()).map(|c| c.ground.clone()).collect();
    grounds.sort();
    grounds.dedup();
    precautions::tell_unfinished(&stage, &selection.lab, terminal);
    let facts = precautions::facts_of(&stage, &transport, grounds).await;
    if let Some(words) = precautions::older(&stage, &facts, terminal).filter(|_| !args.older) {
        return Err(precautions::refuse_older(&words));
    }
    precautions::warn_of_dead(&facts, terminal);
    show_plan(&plan, args.display.concise, args.display.show_steps, terminal);
    let before = obstacles(&plan);
    if !Summary::of(&plan).is_due() {
        return Ok(before);
    }
    let errand = Errand {
        stage: &stage,
        options: &options,
        selection: &selection,
        transport: &transport,
        facts: &facts,
        approval: Approval::Given,
        purpose: Purpose::Saved,
        patience: Duration::from_secs(args.lock_timeout),
        terminal,
    };
    let exit = errand.carry_out(&plan).await?;
    Ok(before.and(exit))
}
