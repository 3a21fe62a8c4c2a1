//! `labctl purge`: lists what `labctl destroy` has moved aside, and ends by name what a person types.

use std::collections::BTreeSet;

use super::args::{Cli, PurgeArgs};
use super::destroy::{carry_out, confirm};
use super::exit::{Exit, Failure};
use super::stage::{self, Stage};
use super::terminal::Terminal;
use crate::kinds::KINDS;
use crate::kinds::trash::{self, Trashed};
use crate::lab::{Address, Ground, Site};
use crate::observe::Reply;
use crate::plan::{Action, Cause, Change, Plan};
use crate::transport::Transport;

/// Something in the trash of a node.
struct Thing {
    ground: Ground,
    trashed: Trashed,
    /// The answers to what is asked before it is ended.
    reply: Reply,
}

impl Thing {
    /// As it is listed and typed.
    fn name(&self) -> String {
        format!("{}:{}", self.ground.name(), self.trashed.name)
    }
}

pub(super) async fn run(cli: &Cli, args: &PurgeArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    let transport = stage.transport(&args.lab, false, terminal)?;
    let (things, exit) = find(&stage, &transport, terminal).await;
    if args.names.is_empty() {
        let nothing = if exit == Exit::Done { "The trash is empty.\n" } else { "" };
        terminal.print(if things.is_empty() { nothing } else { "" });
        for thing in &things {
            let used = thing.trashed.used(&thing.reply).map(|size| format!(", {size}")).unwrap_or_default();
            let Trashed { was, since, .. } = &thing.trashed;
            terminal.print(&format!("{} (was {was}, since {since}{used})\n", thing.name()));
        }
        return Ok(exit);
    }
    let mut changes = Vec::new();
    for name in args.names.iter().collect::<BTreeSet<_>>() {
        let thing = things.iter().find(|thing| thing.name() == *name).ok_or_else(|| {
            let words = format!("`{name}` is not in the trash; `labctl purge` lists what is");
            Failure::new(exit.and(Exit::Error), words)
        })?;
        let change = change(thing)?;
        terminal.print(&format!("  - {name}, which was {}\n", thing.trashed.was));
        change.notes.iter().for_each(|note| terminal.print(&format!("      {note}\n")));
        changes.push(change);
        confirm(terminal, "name", name)?;
    }
    let plan = Plan::new(&stage.lab, changes);
    carry_out(&stage, &transport, &args.lab, args.lock_timeout, &plan, terminal).await
}

/// All that lies in the trash of the nodes that can be read.
async fn find(stage: &Stage, transport: &dyn Transport, terminal: Terminal) -> (Vec<Thing>, Exit) {
    let (mut things, mut exit) = (Vec::new(), Exit::Done);
    let has_zfs = |site: &Site<'_>| KINDS.iter().any(|kind| kind.name() == "zfs-dataset" && kind.fits(*site));
    for site in stage.lab.sites().filter(has_zfs) {
        let ground = site.ground();
        match of(&ground, transport).await {
            Ok(found) => things.extend(found),
            Err((what, why)) => {
                terminal.warn(&format!("{ground}: what is in its trash is not known: {why}"));
                exit = exit.and(what);
            }
        }
    }
    (things, exit)
}

async fn of(ground: &Ground, transport: &dyn Transport) -> Result<Vec<Thing>, (Exit, String)> {
    let unreachable = |error: crate::transport::ReachError| (Exit::Unreachable, error.to_string());
    let reply = transport.probe(ground, &[trash::trash_ask()]).await.map_err(unreachable)?;
    let trashed = trash::trash(&reply).map_err(|why| (Exit::Error, why))?;
    let asks: Vec<_> = trashed.iter().flat_map(|thing| trash::purge_asks(&thing.name)).collect();
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let reply = transport.probe(ground, &asks).await.map_err(unreachable)?;
    Ok(trashed.into_iter().map(|trashed| Thing { ground: ground.clone(), trashed, reply: reply.clone() }).collect())
}

fn change(thing: &Thing) -> Result<Change, Failure> {
    let work = trash::purge(&thing.trashed, &thing.reply).map_err(Failure::error)?;
    let is_volume = thing.trashed.is_volume(&thing.reply);
    let (kind, table) = if is_volume { ("zfs-volume", "volumes") } else { ("zfs-dataset", "datasets") };
    let (pool, path) = thing.trashed.name.split_once('/').unwrap_or((&thing.trashed.name, ""));
    let address = Address::new(["pools", pool, table, path]);
    Ok(Change {
        action: Action::Delete,
        cause: Cause::None,
        steps: work.steps,
        notes: work.notes,
        ..Change::new(address, kind, thing.ground.clone(), thing.trashed.name.as_str())
    })
}
