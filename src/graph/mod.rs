//! Dependencies between resources: order, cycles, what a target takes along.
//!
//! In come addresses with their edges, out goes an order that is the same for the same file, always.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use petgraph::{Direction, visit};

use crate::config::{Diagnostic, Place};
use crate::kinds::Declared;
use crate::lab::Address;

/// The dependencies of all declared resources. An edge leads from what is needed to what needs it.
pub struct Graph {
    edges: DiGraph<Address, Option<Place>>,
    index: BTreeMap<Address, NodeIndex>,
}

impl Graph {
    /// The graph of these resources. A declared edge to a table (`after = ["pools.vms"]`) is one to all that lies below
    /// it; an inferred one is to that very resource: a dataset needs its pool and not what else lies in it.
    pub fn new(declared: &[Declared]) -> Self {
        let mut edges = DiGraph::new();
        let mut index = BTreeMap::new();
        for Declared { resource, .. } in declared {
            index.insert(resource.address.clone(), edges.add_node(resource.address.clone()));
        }
        for Declared { resource, .. } in declared {
            let user = index[&resource.address];
            for (edge, is_inferred) in resource
                .needs
                .iter()
                .map(|edge| (edge, true))
                .chain(resource.meta.after.iter().map(|edge| (edge, false)))
            {
                for (address, needed) in index.range(edge.value.clone()..) {
                    if !edge.value.covers(address) || (is_inferred && *address != edge.value) {
                        break;
                    }
                    if *needed != user {
                        edges.update_edge(*needed, user, Some(edge.place.clone()));
                    }
                }
            }
        }
        Self { edges, index }
    }

    /// All addresses, what is needed before what needs it; among equals by address.
    pub fn order(&self) -> Vec<&Address> {
        let mut open: BTreeMap<NodeIndex, usize> = self
            .edges
            .node_indices()
            .map(|node| (node, self.edges.edges_directed(node, Direction::Incoming).count()))
            .collect();
        let mut ready: BTreeSet<(&Address, NodeIndex)> =
            open.iter().filter(|(_, count)| **count == 0).map(|(node, _)| (&self.edges[*node], *node)).collect();
        let mut order = Vec::with_capacity(open.len());
        while let Some((address, node)) = ready.pop_first() {
            order.push(address);
            for user in self.edges.neighbors_directed(node, Direction::Outgoing) {
                if let Some(count) = open.get_mut(&user) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert((&self.edges[user], user));
                    }
                }
            }
        }
        order
    }

    /// What the resource needs, directly.
    pub fn needs(&self, address: &Address) -> Vec<Address> {
        let Some(node) = self.index.get(address) else { return Vec::new() };
        let mut needs: Vec<Address> = self
            .edges
            .neighbors_directed(*node, Direction::Incoming)
            .map(|needed| self.edges[needed].clone())
            .collect();
        needs.sort();
        needs
    }

    /// What needs the resource, directly.
    pub fn users(&self, address: &Address) -> Vec<Address> {
        let Some(node) = self.index.get(address) else { return Vec::new() };
        self.edges.neighbors_directed(*node, Direction::Outgoing).map(|user| self.edges[user].clone()).collect()
    }

    /// The resources that the addresses cover, with all that those need.
    pub fn with_needs(&self, targets: &[Address]) -> BTreeSet<Address> {
        self.reach(targets, Direction::Incoming)
    }

    /// The resources that the addresses cover, with all that needs those.
    pub fn with_users(&self, targets: &[Address]) -> BTreeSet<Address> {
        self.reach(targets, Direction::Outgoing)
    }

    fn reach(&self, targets: &[Address], direction: Direction) -> BTreeSet<Address> {
        let mut found = BTreeSet::new();
        let mut open: Vec<NodeIndex> = self
            .index
            .iter()
            .filter(|(address, _)| targets.iter().any(|target| target.covers(address)))
            .map(|(_, node)| *node)
            .collect();
        while let Some(node) = open.pop() {
            if found.insert(self.edges[node].clone()) {
                open.extend(self.edges.neighbors_directed(node, direction));
            }
        }
        found
    }

    /// Every edge, from what is needed to what needs it, by address.
    pub fn edges(&self) -> Vec<(&Address, &Address)> {
        let mut edges: Vec<_> =
            self.edges.edge_references().map(|edge| (&self.edges[edge.source()], &self.edges[edge.target()])).collect();
        edges.sort();
        edges
    }

    /// Every address.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.index.keys()
    }

    /// One error per cycle, as a path with the place of each edge that the file states.
    pub fn cycles(&self) -> Vec<Diagnostic> {
        let mut cycles: Vec<Vec<NodeIndex>> = tarjan_scc(&self.edges)
            .into_iter()
            .filter(|component| component.len() > 1)
            .map(|c| self.walk(&c))
            .collect();
        cycles.sort_by_key(|cycle| cycle.first().map(|node| &self.edges[*node]));
        cycles.iter().filter_map(|cycle| self.describe(cycle)).collect()
    }

    /// A shortest loop through the smallest address of a strongly connected component.
    fn walk(&self, component: &[NodeIndex]) -> Vec<NodeIndex> {
        let members: BTreeSet<NodeIndex> = component.iter().copied().collect();
        let Some(start) = component.iter().copied().min_by_key(|node| &self.edges[*node]) else { return Vec::new() };
        let inside = visit::NodeFiltered::from_fn(&self.edges, |node| members.contains(&node));
        let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut search = std::collections::VecDeque::from([start]);
        while let Some(node) = search.pop_front() {
            let mut users: Vec<NodeIndex> = visit::IntoNeighbors::neighbors(&inside, node).collect();
            users.sort_by_key(|user| &self.edges[*user]);
            for user in users {
                if user == start {
                    let mut path = vec![node];
                    while let Some(before) = path.last().and_then(|last| came_from.get(last)) {
                        path.push(*before);
                    }
                    path.reverse();
                    return path;
                }
                if user != start && !came_from.contains_key(&user) {
                    came_from.insert(user, node);
                    search.push_back(user);
                }
            }
        }
        Vec::new()
    }

    fn describe(&self, cycle: &[NodeIndex]) -> Option<Diagnostic> {
        let names: Vec<String> = cycle.iter().chain(cycle.first()).map(|node| self.edges[*node].to_string()).collect();
        let mut diagnostic: Option<Diagnostic> = None;
        for (needed, user) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            let Some(edge) = self.edges.find_edge(*needed, *user) else { continue };
            let Some(place) = self.edges[edge].clone() else { continue };
            let words = format!("`{}` needs `{}`", self.edges[*user], self.edges[*needed]);
            diagnostic = Some(match diagnostic {
                None => Diagnostic::error("LAB090", format!("a cycle: {}", names.join(" -> ")), place, words),
                Some(diagnostic) => diagnostic.also(place, words),
            });
        }
        diagnostic.map(|diagnostic| {
            diagnostic.help("take one of these edges out; `after` is only for what can't be inferred")
        })
    }
}

#[cfg(test)]
mod tests;
