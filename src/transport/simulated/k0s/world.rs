//! What k0s does between nodes: who is let in, which nodes a control plane sees, and the API server that comes of it.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::api::ApiServer;
use super::super::machine::Machine;
use super::super::world::World;
use super::{CA, JOIN, KUBELET, Member, WORKER_READY, age, is_serving, settle};
use crate::lab::{ApiKind, Cluster, ObjectKey};

/// Lets happen what the clusters of a lab bring about between its nodes.
pub(in crate::transport::simulated) fn settle_clusters(world: &mut World, clusters: &BTreeMap<String, Cluster>) {
    world.machines.values_mut().for_each(settle);
    let controllers: Vec<String> = world
        .machines
        .iter()
        .filter(|(_, machine)| is_serving(machine) && !machine.condition.is_down)
        .map(|(name, _)| name.clone())
        .collect();
    for controller in controllers {
        let Some(authority) = world.machines[&controller].files.text(CA) else { continue };
        let mut members = Vec::new();
        for (_, machine) in world.machines.iter().filter(|(name, _)| **name != controller) {
            members.extend(join(machine, &authority));
        }
        let server = server_of(&world.machines[&controller]);
        let tokens = world.machines[&controller].k0s.tokens.clone();
        let now = world.machines[&controller].clock.now();
        for machine in world.machines.values_mut() {
            let Some(process) = machine.k0s.process.as_mut().filter(|process| process.role == "worker") else {
                continue;
            };
            let is_good = |token: &String| {
                tokens
                    .iter()
                    .any(|known| known.text.trim() == token.trim() && known.until.is_none_or(|until| now < until))
            };
            if process.let_in.is_none() && process.token.as_ref().is_some_and(is_good) {
                process.let_in = Some((authority.clone(), server.clone()));
            }
        }
        let Some(machine) = world.machines.get_mut(&controller) else { continue };
        let own = machine.hostname().to_lowercase();
        let gone = |name: &String| *name != own && !members.iter().any(|(member, ..)| member == name);
        machine.k0s.nodes.iter_mut().filter(|(name, _)| gone(name)).for_each(|(_, member)| member.ready_at = None);
        for (name, version, wait) in members {
            let member = machine.k0s.nodes.entry(name.clone()).or_insert_with(|| Member::new(&name, &version));
            member.version = version;
            member.ready_at.get_or_insert(now + wait);
        }
        settle(machine);
    }
    for cluster in clusters.values() {
        serve(world, cluster);
    }
}

/// A node that has joined the control plane of this CA, and runs: its name and version, and the milliseconds until it is
/// Ready.
fn join(machine: &Machine, authority: &str) -> Option<(String, String, u64)> {
    let process = machine.k0s.process.as_ref().filter(|process| process.role == "worker")?;
    let is_here = machine.files.exists(KUBELET) && machine.files.text(CA).as_deref() == Some(authority);
    if !is_here || machine.condition.is_down {
        return None;
    }
    let wait = (JOIN + WORKER_READY).saturating_sub(age(machine)?);
    Some((machine.hostname().to_lowercase(), process.version.clone(), wait))
}

fn server_of(machine: &Machine) -> String {
    let config = machine.k0s.process.as_ref().map(|process| process.config.clone()).unwrap_or_default();
    let address = config.pointer("/spec/api/address").and_then(serde_json::Value::as_str);
    format!("https://{}:6443", address.unwrap_or(&machine.name))
}

/// The API server of a cluster: it is there once its control plane has served, and has the nodes that that knows.
fn serve(world: &mut World, cluster: &Cluster) {
    let Some(k0s) = &cluster.k0s else { return };
    let Some(machine) = world.machines.get(&k0s.controller.value).filter(|machine| is_serving(machine)) else { return };
    let Some(authority) = machine.files.text(CA) else { return };
    let nodes = machine.k0s.nodes.clone();
    let seed = world.seed();
    // A control plane that was made anew is another cluster.
    if world.authorities.get(&cluster.name) != Some(&authority) {
        let name = format!("{} {}", cluster.name, crate::plan::digest(&authority));
        world.servers.insert(cluster.name.clone(), ApiServer::new(&name, seed));
        world.authorities.insert(cluster.name.clone(), authority);
    }
    let Some(server) = world.servers.get_mut(&cluster.name) else { return };
    for (name, member) in &nodes {
        let key = ObjectKey::new(ApiKind::new("v1", "Node"), None, name);
        let mut object = server
            .get(&key)
            .cloned()
            .unwrap_or_else(|| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}));
        object["metadata"]["labels"] = json!(member.labels);
        object["spec"]["taints"] = super::taints(member);
        object["status"]["conditions"] = super::conditions(member);
        server.put(&key, object);
    }
}
