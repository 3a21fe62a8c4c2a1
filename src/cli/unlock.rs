//! `labctl unlock ID`: gives up a lock that its holder left behind.

use super::args::{Cli, UnlockArgs};
use super::exit::{Exit, Failure};
use super::precautions::facts_of;
use super::stage;
use super::terminal::Terminal;
use crate::lab::Site;
use crate::plan::lock;
use crate::transport::{StepOutcome, Transport as _};

pub(super) async fn run(cli: &Cli, args: &UnlockArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    let transport = stage.transport(&args.lab, false, terminal)?;
    let grounds: Vec<_> = stage.lab.sites().map(Site::ground).collect();
    let facts = facts_of(&stage, &transport, grounds.clone()).await;
    let mut exit = Exit::Done;
    for ground in grounds.iter().filter(|ground| !facts.contains_key(ground)) {
        terminal.warn(&format!("{ground} could not be read: whether it is locked is not known"));
        exit = exit.and(Exit::Unreachable);
    }
    let (mut is_found, mut others) = (false, Vec::new());
    for (ground, facts) in &facts {
        let (Some(held), Some(site)) = (&facts.lock, stage.lab.site(ground)) else { continue };
        if held.id != args.id {
            others.push(format!("{ground} is {}", held.words()));
            continue;
        }
        is_found = true;
        match transport.act(ground, &[lock::release(site, &args.id)]).await.into_iter().next() {
            Some(StepOutcome::Done) => terminal.print(&format!("Unlocked {ground}; it was {}.\n", held.words())),
            other => {
                terminal.fail(&format!("{ground} could not be unlocked: {}", why(other)));
                exit = exit.and(Exit::Error);
            }
        }
    }
    if is_found {
        return Ok(exit);
    }
    let others = if others.is_empty() { "nothing is locked".to_owned() } else { others.join("\n") };
    Err(Failure::new(exit.and(Exit::Error), format!("nothing has a lock with the id `{}`; {others}", args.id)))
}

fn why(outcome: Option<StepOutcome>) -> String {
    match outcome {
        Some(StepOutcome::Failed { words, .. }) => words.join("; "),
        Some(StepOutcome::Lost(why) | StepOutcome::Stale { found: why, .. }) => why,
        Some(StepOutcome::Done) | None => String::new(),
    }
}
