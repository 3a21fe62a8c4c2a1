//! The trash of a pool: a dataset into which datasets and volumes are moved that somebody destroys by their address, until
//! they are purged by name. A snapshot would die with them; what was renamed keeps all it has, snapshots too.

use super::read::{self, Found, Live, complaint};
use super::site::is_name;
use crate::lab::Size;
use crate::observe::{Ask, Reply};
use crate::plan::{Guard, Step};

use super::super::Work;

/// Its name in a pool.
const NAME: &str = "labctl-trash";

/// Where a thing was before it was moved aside.
const WAS: &str = "labctl:was";
/// When.
const SINCE: &str = "labctl:trashed";

/// Whether a name lies in a trash, or is one.
pub(super) fn holds(name: &str) -> bool {
    name.split('/').nth(1) == Some(NAME)
}

fn of_pool(name: &str) -> String {
    format!("{}/{NAME}", name.split('/').next().unwrap_or(name))
}

/// What must be known before a dataset or volume is moved aside: itself, all below it, and whether there is a trash.
pub(super) fn asks(name: &str) -> Vec<Ask> {
    vec![read::datasets_ask([name]), read::datasets_ask([of_pool(name).as_str()]), below(name)]
}

/// A name and everything below it, snapshots too.
fn below(name: &str) -> Ask {
    Ask::run(["zfs", "list", "-Hp", "-r", "-t", "all", "-o", "name,type,used,canmount", name])
}

/// One line of what goes with a thing.
struct Part {
    name: String,
    kind: String,
    used: String,
    can_mount: bool,
}

fn parts(name: &str, reply: &Reply) -> Result<Vec<Part>, String> {
    let output = reply.output(&below(name))?;
    if output.code != 0 {
        return Err(complaint("zfs list", output));
    }
    let part = |line: &str| {
        let [name, kind, used, can_mount] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
        let used = used.parse().map_or_else(|_| used.to_owned(), super::wanted::about);
        Some(Part { name: name.to_owned(), kind: kind.to_owned(), used, can_mount: can_mount == "on" })
    };
    let parts: Vec<Part> = output.text().lines().filter_map(part).collect();
    // It lists itself first.
    if parts.first().is_none_or(|first| first.name != name) {
        return Err(format!("`zfs list` did not say what lies below `{name}`"));
    }
    Ok(parts)
}

fn live(name: &str, reply: &Reply) -> Result<Live, String> {
    match read::dataset(reply, &read::datasets_ask([name]), name) {
        Found::There(live) => Ok(live),
        Found::Absent => Err(format!("there is no `{name}`")),
        Found::NoProgram => Err("there is no `zfs` command".to_owned()),
        Found::Unknown(why) => Err(why),
    }
}

/// That it is the very dataset that was seen, under this name.
fn same(name: &str, live: &Live) -> Result<Guard, String> {
    let guid = live.value("guid").ok_or_else(|| format!("`{name}` has no guid"))?;
    let argv = ["zfs", "get", "-Hp", "-o", "value", "guid", name].map(str::to_owned).to_vec();
    Ok(Guard::Output { argv, stdout: guid.to_owned() })
}

/// Moves a dataset or volume into the trash of its pool. `stamp` is unlike that of any other moment.
pub(super) fn move_aside(name: &str, reply: &Reply, stamp: &str) -> Work {
    moved(name, reply, stamp).unwrap_or_else(Work::refused)
}

fn moved(name: &str, reply: &Reply, stamp: &str) -> Result<Work, String> {
    if !is_name(name) || holds(name) {
        return Err(format!("`{name}` is nothing that can be moved aside"));
    }
    let (live, parts) = (live(name, reply)?, parts(name, reply)?);
    let guard = same(name, &live)?;
    let trash = of_pool(name);
    let path = name.split_once('/').map_or(name, |(_, path)| path).replace('/', ":");
    let to = format!("{trash}/{stamp}-{path}");
    if !is_name(&to) {
        return Err(format!("`{to}` would be too long a name; rename `{name}` first"));
    }
    let mut steps = Vec::new();
    match read::dataset(reply, &read::datasets_ask([trash.as_str()]), &trash) {
        Found::There(_) => {}
        Found::Absent => {
            let argv = ["zfs", "create", "-o", "canmount=off", "-o", "mountpoint=none", &trash];
            steps.push(Step::run(format!("create {trash}"), argv).guarded(guard.clone()));
        }
        Found::NoProgram => return Err("there is no `zfs` command".to_owned()),
        Found::Unknown(why) => return Err(why),
    }
    if live.value("mounted") == Some("yes") {
        // With all that is mounted below it; who still works there keeps it from going.
        steps.push(Step::run(format!("unmount {name}"), ["zfs", "unmount", name]).guarded(guard.clone()));
    }
    steps.push(Step::run(format!("move {name} aside, to {to}"), ["zfs", "rename", name, &to]).guarded(guard));
    steps.push(Step::run(format!("take the marks off {to}"), ["zfs", "inherit", "-r", "labctl:lab", &to]));
    for part in parts.iter().filter(|part| part.kind == "filesystem" && part.can_mount) {
        let now = format!("{to}{}", &part.name[name.len()..]);
        // Whatever has a mountpoint of its own would come back to it at the next start.
        steps.push(Step::run(format!("keep {now} from being mounted"), ["zfs", "set", "canmount=noauto", &now]));
    }
    let (was, since) = (format!("{WAS}={name}"), format!("{SINCE}={stamp}"));
    steps.push(Step::run(format!("note where {to} was"), ["zfs", "set", &was, &since, &to]));
    let mut notes = with_it(&parts);
    notes.push(format!("it is moved aside to `{to}` with all it holds, and takes as much room as before"));
    Ok(Work { notes, ..Work::steps(steps) })
}

/// What goes with a thing, line by line.
fn with_it(parts: &[Part]) -> Vec<String> {
    let line = |part: &Part| format!("goes with it: {} `{}` ({})", part.kind, part.name, part.used);
    let own = parts.first().map(|part| format!("it takes {} with all below it", part.used));
    own.into_iter().chain(parts.iter().skip(1).map(line)).collect()
}

/// What lies in the trash of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trashed {
    /// Its name now.
    pub name: String,
    /// Its name before.
    pub was: String,
    /// When it was moved aside: `20260102T030405Z`.
    pub since: String,
}

/// What to ask a node for its trash.
pub fn trash_ask() -> Ask {
    let columns = ["-s", "local", "-o", "name,property,value"];
    let properties = [WAS, SINCE].join(",");
    let head = ["zfs", "get", "-Hp", "-t", "filesystem,volume"];
    Ask::run(head.iter().chain(&columns).copied().chain([properties.as_str()]))
}

/// What lies in the trash. Why, where that can't be read.
pub fn trash(reply: &Reply) -> Result<Vec<Trashed>, String> {
    let output = reply.output(&trash_ask())?;
    if output.is_missing_program() || read::is_module_missing(output) {
        return Ok(Vec::new());
    }
    if output.code != 0 {
        return Err(complaint("zfs get", output));
    }
    let mut found: Vec<Trashed> = Vec::new();
    for line in output.text().lines() {
        let [name, property, value] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { continue };
        if !holds(name) {
            continue;
        }
        if found.last().is_none_or(|last| last.name != name) {
            found.push(Trashed { name: name.to_owned(), was: String::new(), since: String::new() });
        }
        if let Some(last) = found.last_mut() {
            if property == WAS { value.clone_into(&mut last.was) } else { value.clone_into(&mut last.since) }
        }
    }
    Ok(found)
}

/// What to ask before something in the trash is ended.
pub fn purge_asks(name: &str) -> Vec<Ask> {
    vec![read::datasets_ask([name]), below(name)]
}

/// Ends something in the trash, for good.
pub fn purge(thing: &Trashed, reply: &Reply) -> Result<Work, String> {
    let name = thing.name.as_str();
    if !is_name(name) || !holds(name) {
        return Err(format!("`{name}` does not lie in a trash"));
    }
    let guard = same(name, &live(name, reply)?)?;
    let parts = parts(name, reply)?;
    let step = Step::run(format!("destroy {name} for good"), ["zfs", "destroy", "-r", name]).guarded(guard);
    Ok(Work { notes: with_it(&parts), ..Work::steps(vec![step]) })
}

impl Trashed {
    /// Its kind, by what the answers to [`purge_asks`] say.
    pub fn is_volume(&self, reply: &Reply) -> bool {
        live(&self.name, reply).is_ok_and(|live| live.value("type") == Some("volume"))
    }

    /// The size of all that it takes, where the answers to [`purge_asks`] say.
    pub fn used(&self, reply: &Reply) -> Option<Size> {
        live(&self.name, reply).ok()?.number("used").map(Size)
    }
}
