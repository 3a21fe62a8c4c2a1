//! `labctl plan`: what apply would do. It changes nothing.

use std::collections::BTreeMap;

use super::args::{Cli, PlanArgs, Selection, StepsForm};
use super::exit::{Exit, Failure};
use super::measure::Run;
use super::output;
use super::pinned;
use super::precautions::{self, AllFacts};
use super::stage::Stage;
use super::terminal::Terminal;
use super::{read, saved};
use crate::lab::Ground;
use crate::plan::facts;
use crate::plan::{self, Obstacle, Options, Plan, Seen};
use crate::report::{self, Detail, Summary};
use crate::transport::Transport;

/// What stands at the end of a comment about a plan.
const READ: &str = "The lab was read for this plan; it may have changed since.";

pub(super) async fn run(cli: &Cli, args: &PlanArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let mut run = Run::begin();
    let ended = plan(cli, args, terminal, &mut run).await;
    if let Some(path) = &args.metrics {
        // What went wrong before is said first.
        match (run.write(path, &ended), &ended) {
            (Err(failure), Ok(_)) => return Err(failure),
            (Err(failure), Err(_)) => terminal.warn(&failure.words),
            (Ok(()), _) => {}
        }
    }
    ended
}

async fn plan(cli: &Cli, args: &PlanArgs, terminal: Terminal, run: &mut Run) -> Result<Exit, Failure> {
    if let Some(path) = args.observations.as_deref().filter(|_| args.offline) {
        return super::offline::run(cli, args, path, terminal, run).await;
    }
    let stage = pinned::stage(cli, &args.selection.lab, terminal).await?;
    let options = stage.options(&args.selection, false)?;
    let transport = stage.transport(&args.selection.lab, args.selection.read_only, terminal)?;
    let seen = see(&stage, &args.selection, &transport).await;
    let Made { plan, facts } = of_seen(&stage, &options, &seen)?;
    run.plan = Some(plan.clone());
    run.findings.clone_from(&stage.findings);
    if let Some(path) = &args.save_observations {
        super::offline::save(path, &stage, &args.selection.lab, &seen)?;
    }
    precautions::warn_of_locks(&facts, terminal);
    if let Some(words) = precautions::older(&stage, &facts, terminal) {
        terminal.warn(&words);
    }
    let file = output::in_repository(&cli.file);
    output::write(
        &args.output,
        terminal,
        &output::Told {
            comment: report::Comment::of_plan(&file, &plan, &stage.findings, READ),
            json: &|| report::json(&plan),
            text: &|| shown(&plan, args.display.concise, args.display.show_steps, terminal),
        },
    )?;
    if let Some(path) = &args.out {
        saved::save(path, &stage, &options, &args.selection.lab, &plan, &facts)?;
        terminal.say(&saved::advice(path));
    }
    Ok(ending(args, &plan))
}

/// How a plan ends.
pub(super) fn ending(args: &PlanArgs, plan: &Plan) -> Exit {
    let summary = Summary::of(plan);
    let pending = if args.detailed_exitcode && summary.is_due() { Exit::Pending } else { Exit::Done };
    obstacles(plan).and(pending)
}

/// A plan, and what was read of the grounds themselves on the way.
pub(super) struct Made {
    pub(super) plan: Plan,
    pub(super) facts: AllFacts,
}

/// Reads the lab and makes the plan.
pub(super) async fn make(
    stage: &Stage,
    options: &Options,
    selection: &Selection,
    transport: &dyn Transport,
) -> Result<Plan, Failure> {
    Ok(make_with_facts(stage, options, selection, transport).await?.plan)
}

/// The same, with what was read of the grounds.
pub(super) async fn make_with_facts(
    stage: &Stage,
    options: &Options,
    selection: &Selection,
    transport: &dyn Transport,
) -> Result<Made, Failure> {
    of_seen(stage, options, &see(stage, selection, transport).await)
}

/// Reads the lab.
pub(super) async fn see(stage: &Stage, selection: &Selection, transport: &dyn Transport) -> BTreeMap<Ground, Seen> {
    let parallelism = usize::from(selection.parallelism);
    read::grounds(&stage.lab, &stage.declared, stage.lab.sites(), transport, parallelism).await
}

/// Makes the plan of what was seen.
pub(super) fn of_seen(stage: &Stage, options: &Options, seen: &BTreeMap<Ground, Seen>) -> Result<Made, Failure> {
    let plan = plan::build(&stage.lab, &stage.declared, &stage.graph, seen, options);
    for target in options.targets.iter().chain(&options.excludes) {
        let known = stage.graph.addresses().any(|address| target.covers(address));
        let leaves = plan.changes.iter().any(|change| target.covers(&change.address));
        if !known && !leaves {
            let words = format!(
                "`{target}` is nothing that is declared, nor anything that left the file; `labctl graph` lists what is"
            );
            return Err(Failure::error(words));
        }
    }
    let facts = seen.iter().filter_map(|(ground, seen)| match (seen, stage.lab.site(ground)) {
        (Seen::Read(reply), Some(site)) => {
            Some((ground.clone(), precautions::judged(facts::read(&stage.lab, site, reply))))
        }
        _ => None,
    });
    Ok(Made { plan, facts: facts.collect() })
}

/// Prints the plan.
pub(super) fn show(plan: &Plan, concise: bool, steps: Option<StepsForm>, terminal: Terminal) {
    terminal.print(&shown(plan, concise, steps, terminal));
}

pub(super) fn shown(plan: &Plan, concise: bool, steps: Option<StepsForm>, terminal: Terminal) -> String {
    if steps == Some(StepsForm::Sh) {
        return crate::transport::plain_script(plan);
    }
    let detail = Detail { concise, steps: steps.is_some(), width: terminal.width };
    report::plan(plan, detail, terminal.paint)
}

/// The exit code that what stands in the way of a plan calls for.
pub(super) fn obstacles(plan: &Plan) -> Exit {
    let obstacles =
        plan.changes.iter().filter_map(|change| Some((change.ground.to_string(), change.obstacle.as_ref()?)));
    let of_changes = obstacles.map(|(ground, obstacle)| match obstacle {
        Obstacle::Unreachable(_) if plan.may_be_away(&ground) => Exit::Done,
        Obstacle::Unreachable(_) => Exit::Unreachable,
        Obstacle::Protected(_) => Exit::Protected,
        Obstacle::Unknown(_) | Obstacle::Refused(_) => Exit::Error,
        Obstacle::Held(_) | Obstacle::Blocked(_) => Exit::Done,
        Obstacle::Unapproved => Exit::Stale,
    });
    let away = plan.unreachable.keys().filter(|ground| !plan.may_be_away(ground));
    let of_grounds = away.map(|_| Exit::Unreachable);
    of_changes.chain(of_grounds).fold(Exit::Done, Exit::and)
}
