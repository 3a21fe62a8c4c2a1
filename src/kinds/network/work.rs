//! What to do about a difference: whether it may be done at all, the facts for the host, the steps, the words.

use super::desired::impossible_name;
use super::device::Devices;
use super::netplan::{self, ASIDE, ETC, OWN};
use super::seen::Seen;
use super::steps::Plan;
use super::wanted::Wanted;
use super::yaml;
use crate::kinds::Work;
use crate::observe::{Ask, FileAnswer, Reply};
use crate::plan::Guard;

/// Seconds to confirm the removal of a table that no longer says how many.
const CONFIRM_REMOVAL: u64 = 120;

/// Applies the declared network.
pub(super) fn change(wanted: &Wanted, seen: &Seen, reply: &Reply) -> Work {
    if let Some(why) = obstacle(wanted, seen) {
        return Work::refused(why);
    }
    let file = match yaml::text(&wanted.devices) {
        Ok(text) => text,
        Err(why) => return Work::refused(format!("its netplan file can't be written: {why}")),
    };
    let mut guards = guards(seen, reply);
    // Without it somebody else's change since the plan would be overwritten.
    match (reply.output(&wanted.ask_held()), wanted.ask_held()) {
        (Ok(held), Ask::Run(argv)) => guards.push(Guard::Output { argv, stdout: held.text().into_owned() }),
        (Err(why), _) => return Work::refused(format!("what its devices hold could not be read: {why}")),
        (Ok(_), _) => {}
    }
    let still_there = seen.still_there(&wanted.network);
    let plan = Plan {
        guards,
        facts: facts(wanted, seen),
        file: Some(file),
        aside: still_there.into_iter().map(str::to_owned).collect(),
        back: Vec::new(),
        staged: seen.staged.clone(),
        confirm_within: wanted.network.confirm_within.as_secs(),
    };
    Work {
        steps: plan.steps(),
        put_back: plan.put_back(),
        disruption: Some(disruption(&wanted.node)),
        notes: notes(wanted, seen, &plan),
        ..Work::default()
    }
}

/// Takes labctl's file away, and what it made; what it had replaced comes back.
pub(super) fn removal(seen: &Seen, node: &str, reply: &Reply) -> Work {
    let back = netplan::aside(reply);
    let stay = netplan::devices(&back, &seen.live);
    let left: Vec<String> = seen.left(&stay);
    let names: Vec<String> = back.iter().map(|file| file.name.clone()).collect();
    let plan = Plan {
        guards: guards(seen, reply),
        facts: lines("owned", seen.own.keys()).chain(lines("left", &left)).collect(),
        file: None,
        aside: Vec::new(),
        back: names.clone(),
        staged: seen.staged.clone(),
        confirm_within: CONFIRM_REMOVAL,
    };
    let mut notes: Vec<String> = left.iter().map(|name| format!("`{name}` is deleted")).collect();
    notes.extend(names.iter().map(|name| format!("`{ETC}/{name}`, which labctl had replaced, is in force again")));
    if names.is_empty() {
        notes.push("its ports have no configuration then".to_owned());
    }
    Work {
        steps: plan.steps(),
        put_back: plan.put_back(),
        disruption: Some(disruption(node)),
        notes,
        ..Work::default()
    }
}

pub(super) fn disruption(node: &str) -> String {
    format!("restarts networking on {node}")
}

fn obstacle(wanted: &Wanted, seen: &Seen) -> Option<String> {
    let devices = &wanted.devices;
    if let Some(name) = impossible_name(devices) {
        return Some(format!(
            "`{name}` can't be the name of a device: at most 15 letters, digits, `.`, `-` and `_`; a shorter name for \
             its port or bridge helps"
        ));
    }
    for (tool, package) in [("netplan", "netplan.io"), ("systemd-run", "systemd"), ("ping", "iputils-ping")] {
        if !seen.has(tool) {
            return Some(format!("the node has no `{tool}`; its package is `{package}`"));
        }
    }
    let is_plain = |name: &&String| {
        let extension = std::path::Path::new(name).extension();
        !name.contains(['/', '\n']) && extension.is_some_and(|end| end == "yaml") && name.as_str() != OWN
    };
    if let Some(name) = wanted.network.replaces.iter().find(|name| !is_plain(name)) {
        return Some(format!("`replaces` takes names of other `.yaml` files in {ETC}; `{name}` is none"));
    }
    conflict(wanted, seen).or_else(|| bereft(devices, seen)).or_else(|| misshapen(devices, seen))
}

fn conflict(wanted: &Wanted, seen: &Seen) -> Option<String> {
    let conflict = seen.conflicts(&wanted.network, &wanted.devices).into_iter().next()?;
    let (path, device, key) = (&conflict.path, &conflict.device, &conflict.key);
    let what = format!("`{path}` says something of `{device}` as well (`{key}`), and netplan joins the two");
    Some(if path.starts_with(ETC) {
        let name = &conflict.name;
        format!(
            "{what}; `replaces = [\"{name}\"]` in `[nodes.{}.network]` puts labctl's file in its place",
            wanted.node
        )
    } else {
        format!("{what}; labctl replaces files in {ETC} only: remove it by hand")
    })
}

/// A port that only a replaced file configures would be left with nothing.
fn bereft(devices: &Devices, seen: &Seen) -> Option<String> {
    let is_bereft = |(name, device): &(&String, &super::device::Device)| {
        !devices.contains_key(*name) && !device.shape.is_virtual() && device.is_configured()
    };
    let (name, _) = seen.replaced.iter().find(is_bereft)?;
    Some(format!(
        "a file in `replaces` also configures `{name}`, which is not declared and would be left with nothing; declare \
         it, or move it to a file of its own"
    ))
}

/// What stands in the way under a declared name and was not made by netplan is somebody else's.
fn misshapen(devices: &Devices, seen: &Seen) -> Option<String> {
    let is_others = |name: &String| !seen.own.contains_key(name) && !seen.replaced.contains_key(name);
    let name = seen.misshapen(devices).into_iter().find(is_others)?;
    let kind = seen.live.link(&name).and_then(super::live::Link::kind).unwrap_or("network card");
    Some(format!(
        "there is a device `{name}` ({kind}) that is not what the file declares and that netplan did not make; remove \
         it by hand: `ip link del {name}`"
    ))
}

fn guards(seen: &Seen, reply: &Reply) -> Vec<Guard> {
    let timer = ["systemctl", "is-active", "labctl-put-back.timer"].map(str::to_owned).to_vec();
    let mut guards = vec![Guard::Output { argv: timer, stdout: "inactive".to_owned() }];
    for folder in netplan::FOLDERS {
        for (name, answer) in reply.folder(&netplan::ask(folder)).into_iter().flatten() {
            if let FileAnswer::Regular { stat, .. } = answer {
                guards.push(Guard::File { path: format!("{folder}/{name}"), state: stat.state.clone() });
            }
        }
    }
    if seen.own_file().is_none() {
        guards.push(Guard::File { path: format!("{ETC}/{OWN}"), state: "absent".to_owned() });
    }
    guards
}

fn lines<'a>(word: &'a str, names: impl IntoIterator<Item = &'a String> + 'a) -> impl Iterator<Item = String> + 'a {
    names.into_iter().map(move |name| format!("{word} {name}"))
}

fn facts(wanted: &Wanted, seen: &Seen) -> Vec<String> {
    let devices = &wanted.devices;
    let (made, remade, left) = (seen.lacking(devices), seen.misshapen(devices), seen.left(devices));
    let mut facts: Vec<String> = lines("owned", seen.concerned(devices)).collect();
    facts.extend(lines("made", &made).chain(lines("made", &remade)));
    facts.extend(lines("remade", &remade).chain(lines("left", &left)));
    for (name, device) in devices {
        facts.extend(device.addresses.iter().map(|address| format!("address {name} {address}")));
        facts.extend(device.dhcp.then(|| format!("leased {name}")));
        for hop in &device.routes {
            let metric = hop.metric.map(|metric| format!(" {metric}")).unwrap_or_default();
            facts.push(format!("route {name} {} {}{metric}", hop.to, hop.via));
        }
    }
    facts.extend(wanted.gateways.iter().map(|(device, gateway)| format!("gateway {device} {gateway}")));
    facts
}

fn notes(wanted: &Wanted, seen: &Seen, plan: &Plan) -> Vec<String> {
    let devices = &wanted.devices;
    let gateways: Vec<&str> = wanted.gateways.iter().map(|(_, gateway)| gateway.as_str()).collect();
    let what = if gateways.is_empty() { String::new() } else { format!(" and {} answer", gateways.join(", ")) };
    let seconds = plan.confirm_within;
    let mut notes = vec![format!(
        "labctl must reach the node{what} within {seconds} s, or the host puts the old network back; a switch that has \
         to be changed by hand can be changed in that time"
    )];
    notes.extend(seen.left(devices).iter().map(|name| format!("`{name}` is deleted")));
    notes.extend(plan.aside.iter().map(|name| format!("`{ETC}/{name}` is renamed to `{name}{ASIDE}`")));
    notes.extend(plan.aside.iter().filter(|name| name.contains("cloud-init")).map(|name| {
        format!(
            "cloud-init may write {name} again; `network: {{config: disabled}}` in a file of /etc/cloud/cloud.cfg.d \
             keeps it from that"
        )
    }));
    let dark = |name: &&String| seen.live.link(name).is_some_and(super::live::Link::lacks_carrier);
    notes
        .extend(wanted.network.ports.keys().filter(dark).map(|name| format!("`{name}` has no link: is its cable in?")));
    notes.extend(moves(wanted, seen));
    notes
}

/// What becomes of the address by which labctl reaches the node.
fn moves(wanted: &Wanted, seen: &Seen) -> Option<String> {
    let host = wanted.host.as_deref()?;
    let is_on = |devices: &Devices, host: &str| {
        devices.values().flat_map(|device| &device.addresses).any(|a| a.split('/').next() == Some(host))
    };
    let concerned = seen.concerned(&wanted.devices);
    let live = seen.live.devices(concerned.into_iter().map(|name| (name, None)));
    if is_on(&live, host) && !is_on(&wanted.devices, host) {
        return Some(format!(
            "it takes away {host}, by which labctl reaches the node: give the new one as `address` and this one as \
             `ssh.previous`, or the host will put the old network back"
        ));
    }
    let previous = wanted.previous.as_deref()?;
    let moves = !is_on(&live, host) && is_on(&wanted.devices, host);
    let moves = moves || is_on(&live, previous.split(':').next().unwrap_or(previous));
    moves.then(|| {
        format!("the address by which labctl reaches the node moves from {previous} to {host}; labctl follows")
    })
}
