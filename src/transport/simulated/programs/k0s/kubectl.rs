//! `k0s kubectl`, as far as nodes go.

use serde_json::{Value as Json, json};

use super::super::super::gap::Gap;
use super::super::super::k0s::{Member, conditions, is_serving, taints};
use super::super::super::machine::Machine;
use super::super::{failed, said, unknown};
use crate::observe::Output;

/// Milliseconds that the pods of a node take to leave it.
const DRAIN: u64 = 20_000;

pub(super) fn kubectl(machine: &mut Machine, arguments: &[&str]) -> Result<Output, Gap> {
    if !is_serving(machine) {
        return failed(
            1,
            "The connection to the server localhost:6443 was refused - did you specify the right host or port?",
        );
    }
    match arguments {
        ["get", "--raw", "/readyz", "--request-timeout=5s"] => said("ok"),
        ["get", "nodes", "-o", "json", "--request-timeout=5s"] => {
            let items: Vec<Json> = machine.k0s.nodes.iter().map(|(name, member)| object(name, member)).collect();
            said(json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())
        }
        ["get", "node", name, "--no-headers", "--request-timeout=5s"] => match machine.k0s.nodes.get(*name) {
            Some(member) => said(line(name, member)),
            None => failed(1, not_found(name)),
        },
        ["label", "node", name, words @ .., "--overwrite"] => change(machine, name, "labeled", |member| {
            for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
                member.labels.insert(key.to_owned(), value.to_owned());
            }
        }),
        ["taint", "node", name, words @ ..] => change(machine, name, "tainted", |member| {
            words.iter().filter(|word| **word != "--overwrite").for_each(|word| taint(member, word));
        }),
        ["cordon", name] => change(machine, name, "cordoned", |member| member.is_cordoned = true),
        ["uncordon", name] => change(machine, name, "uncordoned", |member| member.is_cordoned = false),
        ["drain", name, _options @ ..] => {
            machine.pass(DRAIN);
            change(machine, name, "drained", |member| member.is_cordoned = true)
        }
        ["delete", "node", name] => match machine.k0s.nodes.remove(*name) {
            Some(_) => said(format!("node \"{name}\" deleted\n")),
            None => failed(1, not_found(name)),
        },
        _ => unknown("k0s kubectl", arguments),
    }
}

fn change(machine: &mut Machine, name: &str, words: &str, change: impl FnOnce(&mut Member)) -> Result<Output, Gap> {
    let Some(member) = machine.k0s.nodes.get_mut(name) else { return failed(1, not_found(name)) };
    change(member);
    said(format!("node/{name} {words}\n"))
}

fn not_found(name: &str) -> String {
    format!("Error from server (NotFound): nodes \"{name}\" not found")
}

/// `key=value:Effect`, or `key:Effect-` for one that goes.
fn taint(member: &mut Member, word: &str) {
    let (word, goes) = word.strip_suffix('-').map_or((word, false), |word| (word, true));
    let Some((what, effect)) = word.rsplit_once(':') else { return };
    let (key, value) = what.split_once('=').unwrap_or((what, ""));
    member.taints.retain(|(known, _, of)| known != key || of != effect);
    if !goes {
        member.taints.push((key.to_owned(), value.to_owned(), effect.to_owned()));
    }
}

fn object(name: &str, member: &Member) -> Json {
    let mut spec = json!({ "taints": taints(member) });
    if member.is_cordoned {
        spec["unschedulable"] = true.into();
    }
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": member.labels }, "spec": spec,
        "status": { "conditions": conditions(member), "nodeInfo": { "kubeletVersion": member.version } },
    })
}

fn line(name: &str, member: &Member) -> String {
    let ready = if member.is_ready { "Ready" } else { "NotReady" };
    let cordoned = if member.is_cordoned { ",SchedulingDisabled" } else { "" };
    format!("{name}   {ready}{cordoned}   <none>   1m   {}\n", member.version)
}
