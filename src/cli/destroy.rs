//! `labctl destroy ADDRESS…`: the only way to remove what is protected. It shows all that goes with it, keeps what it can,
//! and wants the address typed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::apply::{Errand, Purpose};
use super::args::{Cli, DestroyArgs, Selection};
use super::exit::{Exit, Failure};
use super::plan::obstacles;
use super::precautions::{self, AllFacts};
use super::read;
use super::stage::{self, Stage};
use super::terminal::Terminal;
use super::waves::Approval;
use super::which_lab::WhichLab;
use crate::kinds::{Kind, Leftover};
use crate::lab::{Address, Ground, Site};
use crate::local;
use crate::observe::{Ask, Observation, Reply};
use crate::plan::marks::Marks;
use crate::plan::{Action, Cause, Change, Obstacle, Options, Plan, Seen, record};
use crate::report;
use crate::transport::Transport;

/// How often a ground is asked what goes with a thing.
const ROUNDS: usize = 5;

pub(super) async fn run(cli: &Cli, args: &DestroyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    let transport = stage.transport(&args.lab, false, terminal)?;
    let found = find(&stage, &args.addresses, &transport).await?;
    let (plan, backups) = plan_of(&stage, found, &stamp());
    for change in &plan.changes {
        terminal.print(&shown(&stage, change));
    }
    let exit = obstacles(&plan);
    if exit != Exit::Done {
        return Err(Failure::new(exit, "nothing was destroyed"));
    }
    for address in &args.addresses {
        confirm(terminal, "address", &address.to_string())?;
    }
    keep(&stage, &backups, terminal)?;
    carry_out(&stage, &transport, &args.lab, args.lock_timeout, &plan, terminal).await
}

/// Asks a person to type a name; nothing else will do.
pub(super) fn confirm(terminal: Terminal, what: &str, name: &str) -> Result<(), Failure> {
    if !terminal.is_interactive {
        return Err(Failure::error(format!(
            "there is nobody to type the {what}: run this on a terminal; nothing was destroyed"
        )));
    }
    let typed = terminal.ask(&format!("\nThis can't be taken back by `labctl apply`.\nType the {what} to go on: "));
    if typed.as_deref() == Some(name) {
        return Ok(());
    }
    Err(Failure::error(format!("that is not `{name}`; nothing was destroyed")))
}

/// Carries out what was confirmed, under the locks of what it touches and noted in the journal.
pub(super) async fn carry_out(
    stage: &Stage,
    transport: &dyn Transport,
    lab: &WhichLab,
    lock_timeout: u64,
    plan: &Plan,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    let selection = Selection { lab: lab.clone(), parallelism: 10, ..Selection::default() };
    let grounds: BTreeSet<Ground> = plan.changes.iter().map(|change| change.ground.clone()).collect();
    let facts: AllFacts = precautions::facts_of(stage, transport, grounds.into_iter().collect()).await;
    precautions::warn_of_dead(&facts, terminal);
    let errand = Errand {
        stage,
        options: &Options::default(),
        selection: &selection,
        transport,
        facts: &facts,
        approval: Approval::Given,
        purpose: Purpose::Destroy,
        patience: Duration::from_secs(lock_timeout),
        terminal,
    };
    errand.carry_out(plan).await
}

/// Writes what would be lost beside the lab's files, before anything is done.
fn keep(stage: &Stage, backups: &[(String, String)], terminal: Terminal) -> Result<(), Failure> {
    let folder = local::private::kept_folder(stage.sources.folder().unwrap_or(Path::new(".")), "destroyed");
    for (name, text) in backups {
        let kept = folder.as_ref().map_err(ToString::to_string).and_then(|folder| {
            let path = folder.join(name);
            local::private::replace(&path, text).map(|()| path).map_err(|error| error.to_string())
        });
        let path =
            kept.map_err(|why| Failure::error(format!("`{name}` can't be kept ({why}); nothing was destroyed")))?;
        terminal.say(&format!("Kept in `{}`.\n", path.display()));
    }
    Ok(())
}

/// A thing and all that goes with it, for a person.
fn shown(stage: &Stage, change: &Change) -> String {
    let ground = &change.ground;
    let mut text = format!("  - {} on {ground}: {} {}\n", change.address, change.kind, change.name);
    let why = change.obstacle.as_ref().and_then(|_| report::obstacle(change));
    let lines = why.into_iter().map(|why| format!("it can't be destroyed: {why}"));
    for line in lines.chain(change.notes.iter().cloned()).chain(change.disruption.clone()) {
        text += &format!("      {line}\n");
    }
    let users = stage.graph.with_users(std::slice::from_ref(&change.address));
    for user in users.iter().filter(|user| **user != change.address) {
        text += &format!("      needed by {user}\n");
    }
    text
}

/// What tells this moment from all others: `20260102T030405Z`.
fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// One thing to destroy.
struct Found {
    change: Change,
    leftover: Box<dyn Leftover>,
    reply: Reply,
}

/// All that the addresses name, and what its ground says of it.
async fn find(stage: &Stage, addresses: &[Address], transport: &dyn Transport) -> Result<Vec<Found>, Failure> {
    let seen = read::grounds(&stage.lab, &stage.declared, stage.lab.sites(), transport, 10).await;
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for (ground, seen) in seen {
        let Some(site) = stage.lab.site(&ground) else { continue };
        let mut reply = match seen {
            Seen::Read(reply) => reply,
            Seen::Unreachable(why) | Seen::NotYet(why) => {
                silent.push(format!("{ground}: {why}"));
                continue;
            }
        };
        for (change, leftover) in named(stage, addresses, site, &reply) {
            for _ in 0..ROUNDS {
                let asks = leftover.asks().into_iter().chain(leftover.destruction_asks(&reply));
                let asks: Vec<Ask> = asks.filter(|ask| !reply.has(ask)).collect();
                if asks.is_empty() {
                    break;
                }
                let more = transport.probe(&ground, &asks).await;
                reply.extend(more.map_err(|error| Failure::new(Exit::Unreachable, format!("{ground}: {error}")))?);
            }
            found.push(Found { change, leftover, reply: reply.clone() });
        }
    }
    for address in addresses {
        if !found.iter().any(|found| address.covers(&found.change.address)) {
            let silent: Vec<String> = silent.iter().map(|why| format!("\n  not read: {why}")).collect();
            let silent = silent.concat();
            let exit = if silent.is_empty() { Exit::Error } else { Exit::Unreachable };
            let words = format!(
                "`{address}` names nothing that is marked as labctl's; what is not labctl's is removed by hand{silent}"
            );
            return Err(Failure::new(exit, words));
        }
    }
    Ok(found)
}

/// What is marked as this lab's on a ground and has one of these addresses: in the file, or where it is in none, in its
/// mark.
fn named(stage: &Stage, addresses: &[Address], site: Site<'_>, reply: &Reply) -> Vec<(Change, Box<dyn Leftover>)> {
    let ground = site.ground();
    let marks = Marks::read(site, reply);
    let of_lab = marks.of_lab(&stage.lab);
    let changes = of_lab.filter_map(|left| {
        let is_it = |d: &&crate::kinds::Declared| {
            (d.kind.name(), d.resource.name.as_str(), &d.resource.ground) == (left.kind.name(), left.name, &ground)
        };
        let declared = stage.declared.iter().find(is_it);
        let address = declared.map_or(&left.mark.address, |declared| &declared.resource.address);
        if !addresses.iter().any(|named| named.covers(address)) {
            return None;
        }
        let mut change = Change {
            action: Action::Delete,
            cause: Cause::None,
            ..Change::new(address.clone(), left.kind.name(), ground.clone(), left.name)
        };
        if let Some(declared) = declared {
            change.place = Some(declared.resource.meta.place.clone());
            change.notes.push("it is still declared: the next apply makes it anew, and empty".to_owned());
        }
        Some((change, left.leftover(site)))
    });
    changes.collect()
}

/// The plan, and the files to keep: name and text.
fn plan_of(stage: &Stage, found: Vec<Found>, stamp: &str) -> (Plan, Vec<(String, String)>) {
    let mut backups = Vec::new();
    let changes = found.into_iter().map(|Found { mut change, leftover, reply }| {
        match leftover.observe(&reply) {
            Observation::Unknown(why) => {
                change.obstacle = Some(Obstacle::Unknown(why));
                return change;
            }
            Observation::Absent => change.notes.push("it is gone already".to_owned()),
            Observation::Present(observed) => {
                change.before = Some(observed);
                let work = leftover.destroy(&reply, stamp);
                change.notes.extend(work.notes);
                (change.steps, change.put_back, change.obstacle) = (work.steps, work.put_back, work.obstacle);
                change.disruption = work.disruption;
                if change.steps.is_empty() && change.obstacle.is_none() {
                    let why = format!("labctl does not remove it; by hand: {}", leftover.by_hand());
                    change.obstacle = Some(Obstacle::Refused(why));
                }
                if let Some(object) = leftover.backup(&reply).filter(|_| change.obstacle.is_none()) {
                    let name = format!("{stamp}-{}-{}.json", change.ground.name(), change.name.replace('/', "-"));
                    let secret = if change.name.starts_with("Secret/") { "; its values are not in it" } else { "" };
                    change.notes.push(format!("it is kept as `.labctl/destroyed/{name}`{secret}"));
                    // What an API server answered always serializes.
                    backups.push((name, serde_json::to_string_pretty(&object).unwrap_or_default() + "\n"));
                }
            }
        }
        let carries_marks = crate::kinds::kind(&change.kind).is_some_and(Kind::carries_marks);
        if let Some(Site::Node(node)) = stage.lab.site(&change.ground)
            && !carries_marks
        {
            change.steps.push(record::remove(&stage.lab, node, &change.kind, &change.name));
        }
        change
    });
    // What is needed goes after what needs it.
    let order = stage.graph.order();
    let place = |change: &Change| order.iter().position(|address| **address == change.address);
    let mut changes: Vec<Change> = changes.collect();
    changes.sort_by_key(|change| std::cmp::Reverse(place(change)));
    (Plan::new(&stage.lab, changes), backups)
}
