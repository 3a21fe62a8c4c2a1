//! `labctl show`: one resource as declared, as observed and as marked; or a node as the file that would declare it.

use super::args::{Cli, Selection, ShowArgs};
use super::exit::{Exit, Failure};
use super::plan::{make, obstacles};
use super::read;
use super::stage::{self, Stage};
use super::terminal::Terminal;
use crate::kinds::KINDS;
use crate::lab::{Address, Site};
use crate::local;
use crate::observe::Ask;
use crate::plan::{Seen, marks};
use crate::report;
use crate::transport::Transport as _;

pub(super) async fn run(cli: &Cli, args: &ShowArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if args.journal {
        return journal(cli, args.json, terminal);
    }
    let path = std::path::Path::new(&args.what);
    if !args.as_toml && (args.json || path.is_file()) {
        return super::saved::show(path, args.json, terminal);
    }
    let stage = stage::stage(cli, terminal)?;
    if args.as_toml {
        return as_toml(&stage, args, terminal).await;
    }
    let address: Address =
        args.what.parse().map_err(|error: crate::lab::AddressError| Failure::error(error.to_string()))?;
    resource(&stage, args, &address, terminal).await
}

/// What the applies of the lab in this folder noted. It needs no lab, and no file that can be read.
fn journal(cli: &Cli, json: bool, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = cli.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    let read = local::journal::read(folder).map_err(|error| Failure::error(format!("the journal: {error}")))?;
    if read.damaged > 0 {
        terminal.warn(&format!("{} lines of the journal are damaged and left out", read.damaged));
    }
    if json {
        // Entries are plain data with string keys: they always serialize.
        let lines = read.entries.iter().map(|entry| serde_json::to_string(entry).unwrap_or_default() + "\n");
        terminal.print(&lines.collect::<Vec<_>>().concat());
    } else {
        terminal.print(&report::journal(&read.entries));
    }
    Ok(Exit::Done)
}

async fn resource(stage: &Stage, args: &ShowArgs, address: &Address, terminal: Terminal) -> Result<Exit, Failure> {
    let transport = stage.transport(&args.lab, args.read_only, terminal)?;
    let selection = Selection { target: vec![address.clone()], parallelism: 10, ..Selection::default() };
    let options = stage.options(&selection, false)?;
    let plan = make(stage, &options, &selection, &transport).await?;
    let mut grounds = plan.changes.iter().filter(|change| address.covers(&change.address)).map(|change| &change.ground);
    let site = grounds.find_map(|ground| stage.lab.site(ground));
    let seen = read::grounds(&stage.lab, &stage.declared, site, &transport, 1).await;
    for change in plan.changes.iter().filter(|change| address.covers(&change.address)) {
        let mark = match (seen.get(&change.ground), stage.lab.site(&change.ground)) {
            (Some(Seen::Read(reply)), Some(site)) => {
                let marks = marks::Marks::read(site, reply);
                crate::kinds::kind(&change.kind).and_then(|kind| marks.of(kind, &change.name).ok().flatten().cloned())
            }
            _ => None,
        };
        terminal.print(&report::resource(change, mark.as_ref(), terminal.paint));
    }
    Ok(obstacles(&plan))
}

async fn as_toml(stage: &Stage, args: &ShowArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let Some(node) = stage.lab.nodes.get(&args.what) else {
        return Err(Failure::error(format!(
            "there is no `[nodes.{}]`; `show NODE --as-toml` takes a node's name",
            args.what
        )));
    };
    let site = Site::Node(node);
    let ground = site.ground();
    let kinds = || KINDS.iter().filter(|kind| kind.fits(site));
    let mut asks: Vec<Ask> = Vec::new();
    for ask in kinds().flat_map(|kind| kind.survey_asks(node)).chain(marks::asks(&stage.lab, site, &stage.declared)) {
        if !asks.contains(&ask) && !matches!(ask, Ask::Elsewhere { .. }) {
            asks.push(ask);
        }
    }
    let transport = stage.transport(&args.lab, args.read_only, terminal)?;
    let reply = transport.probe(&ground, &asks).await;
    let reply = reply.map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
    let mut found = Vec::new();
    let mut exit = Exit::Done;
    for kind in kinds() {
        match kind.survey(&stage.lab, node, &reply) {
            Ok(entries) => found.extend(entries),
            Err(why) => {
                terminal.fail(&format!("{}: {why}", kind.name()));
                exit = Exit::Error;
            }
        }
    }
    let declared =
        |address: &Address| stage.graph.addresses().any(|known| known.covers(address) || address.covers(known));
    found.retain(|entry| args.undeclared || declared(&entry.address));
    terminal.print(&report::lab_file(&stage.sources, &node.name, &found));
    Ok(exit)
}
