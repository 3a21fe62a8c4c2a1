//! All simulated nodes together, and how they are kept between calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::api::ApiServer;
use super::described::Description;
use super::found;
use super::machine::Machine;
use super::mischief::{Mischief, MischiefError};
use crate::lab::Lab;

/// The version of the kept form.
const FORMAT: u32 = 2;

/// The simulated machines of a lab, as they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    format: u32,
    seed: u64,
    pub(super) machines: BTreeMap<String, Machine>,
    #[serde(default)]
    pub(super) servers: BTreeMap<String, ApiServer>,
    /// The CAs of the control planes that labctl's clusters have, by cluster.
    #[serde(default)]
    pub(super) authorities: BTreeMap<String, String>,
}

/// Why a kept world can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// It is no such thing.
    #[error("the kept simulated lab is damaged ({0}); remove it to begin anew")]
    Damaged(serde_json::Error),
    /// Another labctl wrote it.
    #[error("the kept simulated lab was written by another version of labctl; remove it to begin anew")]
    Version,
}

impl World {
    /// The machines of a lab as their owner has them before labctl comes: pools with data on them, a network of the
    /// installer's, and nothing else of what the file declares.
    pub fn found(lab: &Lab, seed: u64) -> Self {
        let mut world = Self {
            format: FORMAT,
            seed,
            machines: BTreeMap::new(),
            servers: BTreeMap::new(),
            authorities: BTreeMap::new(),
        };
        world.meet(lab);
        world
    }

    /// The same with another machine for a node: one that is known and was described.
    #[must_use]
    pub fn with(mut self, node: &str, description: &Description) -> Self {
        self.machines.insert(node.to_owned(), description.machine(node, self.seed));
        self
    }

    /// Takes in what the file says of the surroundings, and the nodes that are new in it.
    pub fn meet(&mut self, lab: &Lab) {
        for node in lab.nodes.values() {
            if !self.machines.contains_key(&node.name) {
                self.machines.insert(node.name.clone(), found::machine(lab, node, self.seed));
            }
            if let Some(machine) = self.machines.get_mut(&node.name) {
                machine.surroundings.meet(lab, node);
                machine.tuning.meet(node);
                machine.packages.meet(node);
            }
        }
        // A cluster that labctl makes is there when its control plane is.
        for (name, _) in lab.clusters.iter().filter(|(_, cluster)| cluster.k0s.is_none()) {
            self.servers.entry(name.clone()).or_insert_with(|| ApiServer::new(name, self.seed));
        }
    }

    /// What looks like chance in it is the same for the same number.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Somebody changes a field of an object by hand; false where there is no such object.
    pub fn edit_object(&mut self, cluster: &str, path: &str, field: &str, value: serde_json::Value) -> bool {
        self.servers.get_mut(cluster).is_some_and(|server| server.edit(path, field, value))
    }

    /// Somebody deletes an object by hand; false where there is none.
    pub fn delete_object(&mut self, cluster: &str, path: &str) -> bool {
        self.servers.get_mut(cluster).is_some_and(|server| server.remove(path))
    }

    /// As it is kept.
    pub fn to_json(&self) -> String {
        // Strings, numbers and maps with string keys always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// From what was kept.
    pub fn from_json(text: &str) -> Result<Self, WorldError> {
        let world: Self = serde_json::from_str(text).map_err(WorldError::Damaged)?;
        if world.format == FORMAT { Ok(world) } else { Err(WorldError::Version) }
    }

    /// What the simulation did not know of what ran unattended, by node.
    pub fn gaps(&self) -> Vec<String> {
        let of = |(name, machine): (&String, &Machine)| {
            machine.gaps.iter().map(|gap| format!("{name}: {gap}")).collect::<Vec<_>>()
        };
        self.machines.iter().flat_map(of).collect()
    }

    /// Lets so many seconds pass on every node; timers fire in it.
    pub fn wait(&mut self, seconds: u64) {
        for machine in self.machines.values_mut() {
            machine.pass(seconds * 1000);
        }
        self.servers.values_mut().for_each(|server| server.pass(seconds));
    }

    /// Every dataset and volume, by node and name: the bytes of data in it, and a volume's size.
    pub fn data(&self) -> BTreeMap<String, (u64, u64)> {
        let of = |(node, machine): (&String, &Machine)| {
            machine.storage.data().into_iter().map(|(name, data)| (format!("{node} {name}"), data)).collect::<Vec<_>>()
        };
        self.machines.iter().flat_map(of).collect()
    }

    /// The names of its nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.machines.keys().map(String::as_str)
    }

    /// Somebody does something to a node; gives back what was printed there. Nothing where there is no such node.
    pub fn commit(&mut self, node: &str, mischief: &Mischief) -> Option<Result<String, MischiefError>> {
        Some(mischief.commit(self.machines.get_mut(node)?))
    }

    /// Everything that broke as a whole works again: nodes that are down are switched on, full disks have room, spoiled
    /// programs work, silent gateways answer.
    pub fn repair(&mut self) {
        for machine in self.machines.values_mut() {
            machine.condition.is_disk_full = false;
            machine.condition.apt_locked_until = 0;
            machine.condition.spoiled.clear();
            machine.k0s.crashing = None;
            machine.surroundings.silent.clear();
            if std::mem::take(&mut machine.condition.is_down) {
                machine.reboot();
            }
        }
    }

    /// The state of all nodes, line by line, without times and numbers that no two runs share: equal dumps are labs
    /// that nobody can tell apart.
    pub fn dump(&self) -> String {
        let mut dump = String::new();
        for (name, machine) in &self.machines {
            for (what, state) in machine.dump() {
                dump += &format!("{name} {what}: {state}\n");
            }
        }
        for (name, server) in &self.servers {
            for (path, object) in server.dump() {
                dump += &format!("cluster {name} {path}: {object}\n");
            }
        }
        dump
    }
}
