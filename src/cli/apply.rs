//! `labctl apply`: shows the plan, asks, does it, and insists that nothing is left.

use super::args::{ApplyArgs, Cli, Selection};
use super::drive::Ended;
use super::exit::{Exit, Failure};
use super::plan::{make, obstacles, show};
use super::stage::Stage;
use super::terminal::Terminal;
use super::waves::{Approval, Run};
use super::{outcome, pinned, signals};
use crate::apply::State;
use crate::lab::Address;
use crate::plan::{Options, Plan};
use crate::report::Summary;
use crate::transport::Transport;

pub(super) async fn run(cli: &Cli, args: &ApplyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = pinned::stage(cli, &args.selection.lab, terminal).await?;
    let options = stage.options(&args.selection, args.adopt_only)?;
    let transport = stage.transport(&args.selection.lab, args.selection.read_only, terminal)?;
    let plan = make(&stage, &options, &args.selection, &transport).await?;
    show(&plan, args.display.concise, args.display.show_steps, terminal);
    let before = obstacles(&plan);
    if !Summary::of(&plan).is_due() {
        return Ok(before);
    }
    if !args.auto_approve && !approve(terminal)? {
        terminal.say("Apply cancelled.\n");
        return Ok(Exit::Error);
    }
    let approval = if args.auto_approve { Approval::Given } else { Approval::Asked };
    let exit = carry_out(&stage, &options, &args.selection, &plan, &transport, approval, terminal).await?;
    Ok(before.and(exit))
}

/// Does what the plan says, wave by wave, tells what came of it, and plans what was touched again.
pub(super) async fn carry_out(
    stage: &Stage,
    options: &Options,
    selection: &Selection,
    plan: &Plan,
    transport: &dyn Transport,
    approval: Approval,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    let mut interrupts = signals::interrupts();
    let run = Run { stage, options, selection, transport, approval, terminal };
    let (ended, waves) = run.waves(plan, &mut interrupts).await?;
    let (exit, text) = outcome::report(&ended, terminal.paint);
    let exit = exit.and(waves);
    terminal.print(&text);
    // Whoever interrupts wants to be let go, not to wait for another look.
    if ended.interrupted {
        return Ok(exit);
    }
    tokio::select! {
        leftover = verify(stage, options, selection, transport, &ended, terminal) => Ok(exit.and(leftover?)),
        Some(_) = interrupts.recv() => {
            terminal.say("Interrupted: what was done has not been looked at again.\n");
            Ok(exit.and(Exit::Interrupted))
        }
    }
}

pub(super) fn approve(terminal: Terminal) -> Result<bool, Failure> {
    if !terminal.is_interactive {
        let words = "there is nobody to ask: run `labctl apply` on a terminal, or with `--auto-approve`";
        return Err(Failure::error(words));
    }
    let question = "\nDo you want to perform these actions?\n  labctl will perform the actions described above.\n  \
                    Only 'yes' will be accepted to approve.\n\n  Enter a value: ";
    Ok(terminal.ask(question).as_deref() == Some("yes"))
}

/// Plans the touched resources again: what is done must be as declared now.
async fn verify(
    stage: &Stage,
    options: &Options,
    selection: &Selection,
    transport: &dyn Transport,
    ended: &Ended,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    let touched: Vec<&Address> =
        ended.changes.iter().filter(|(_, state)| *state == State::Done).map(|(change, _)| &change.address).collect();
    if touched.is_empty() {
        return Ok(Exit::Done);
    }
    let again = Options { targets: Vec::new(), excludes: Vec::new(), ..options.clone() };
    let plan: Plan = make(stage, &again, selection, transport).await?;
    let mut exit = Exit::Done;
    for change in plan.changes.iter().filter(|change| touched.contains(&&change.address)) {
        if change.is_due() || change.is_error() {
            terminal.fail(&outcome::left_over(change));
            exit = Exit::Error;
        }
    }
    Ok(exit)
}
