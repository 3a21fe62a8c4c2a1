//! What stands behind a change that interrupts something: all that is at work and needs it, however far away.
//!
//! The graph says what needs it. Two things no edge says: a node's network carries all that is at work there, and a node
//! of a cluster carries the services of that cluster, because no file says which of its nodes a pod is on.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::graph::Graph;
use crate::kinds::{self, Carries, Declared, Kind};
use crate::lab::{Address, Ground};

/// Writes to each change that interrupts something what is behind it.
pub(super) fn note(changes: &mut [Change], declared: &[Declared], graph: &Graph) {
    let behind = Behind { at: declared.iter().map(|it| (&it.resource.address, it)).collect(), declared, graph };
    for change in changes.iter_mut().filter(|change| change.disruption.is_some()) {
        change.behind = if change.is_due() || change.is_deferred() { behind.of(change) } else { Vec::new() };
    }
}

struct Behind<'a> {
    at: BTreeMap<&'a Address, &'a Declared>,
    declared: &'a [Declared],
    graph: &'a Graph,
}

impl Behind<'_> {
    /// By table: a service is one name, however many objects it has, and so is a cluster.
    fn of(&self, change: &Change) -> Vec<Address> {
        let carries = kinds::kind(&change.kind).map_or(Carries::Nothing, Kind::carries);
        let carried = self.carried(carries, &change.address, &change.ground);
        let mut open: Vec<Address> = self.graph.users(&change.address).into_iter().chain(carried).collect();
        let mut found = BTreeSet::new();
        while let Some(address) = open.pop() {
            if address == change.address || !found.insert(address.clone()) {
                continue;
            }
            open.extend(self.graph.users(&address));
            // What is only laid down after it (a file, a package) carries nothing away with it.
            if let Some(it) = self.at.get(&address).filter(|it| it.kind.runs()) {
                open.extend(self.carried(it.kind.carries(), &address, &it.resource.ground));
            }
        }
        let runs = |address: &&Address| self.at.get(address).is_some_and(|it| it.kind.runs());
        let tables: BTreeSet<Address> = found.iter().filter(runs).map(Address::table).collect();
        // That the rest of a service waits for one object of it is no news; that a cluster does for its controller is.
        let is_its_own = |table: &Address| *table == change.address.table() && carries != Carries::Cluster;
        tables.into_iter().filter(|table| !is_its_own(table)).collect()
    }

    fn carried(&self, carries: Carries, address: &Address, ground: &Ground) -> Vec<Address> {
        let carrier = match carries {
            Carries::Nothing => return Vec::new(),
            Carries::Node => ground.clone(),
            Carries::Cluster => {
                let Some(name) = address.segments().get(1) else { return Vec::new() };
                Ground::Cluster(name.clone())
            }
        };
        let runs = self.declared.iter().filter(|it| it.kind.runs() && it.resource.ground == carrier);
        runs.map(|it| it.resource.address.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::note;
    use crate::config::Sources;
    use crate::graph::Graph;
    use crate::kinds::declare;
    use crate::lab::{self, Ground};
    use crate::plan::{Action, Change, Obstacle};

    const LAB: &str = r#"
[lab]
name = "t"
[vlans.services]
id = 4
subnet = "192.168.4.0/24"
[nodes.a]
address = "192.168.4.1"
[nodes.a.network.eth0]
native = "services"
[nodes.a.packages]
nginx = "present"
[nodes.a.files."/etc/nginx/x"]
content = "x"
after = ["nodes.a.packages.nginx"]
[nodes.a.units."nginx.service"]
running = true
after = ['nodes.a.files."/etc/nginx/x"']
[nodes.a.units."lonely.service"]
running = true
[nodes.w]
address = "192.168.4.2"
[nodes.w.units."other.service"]
running = true
[pools.tank]
node = "a"
[clusters.home]
distribution = "k0s"
controllers = ["a"]
workers = ["w"]
[services.web]
kind = "manifests"
cluster = "home"
files = ["web.yaml"]
"#;

    const WEB: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n---\n\
                       apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: default}\n";

    /// What is behind a change of that address and kind on a node.
    fn behind(address: &str, kind: &str, node: &str) -> Vec<String> {
        let ground = Ground::Node(node.to_owned());
        let change = Change::new(address.parse().unwrap(), kind, ground, "x");
        noted(Change { action: Action::Update, disruption: Some("restarts".to_owned()), ..change })
    }

    fn noted(change: Change) -> Vec<String> {
        let loaded = lab::load(&Sources::memory([("homelab.toml", LAB), ("web.yaml", WEB)]));
        let lab = loaded.lab.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        let declared = declare(&lab);
        let mut changes = [change];
        note(&mut changes, &declared, &Graph::new(&declared));
        changes[0].behind.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_at_work_and_needs_it_stands_behind_it_however_far_away() {
        let unit = r#"nodes.a.units."nginx.service""#;
        assert_eq!(behind(r#"nodes.a.files."/etc/nginx/x""#, "file", "a"), [unit]);
        // Any unit may come with any package, and the file in between is not at work.
        let both = [r#"nodes.a.units."lonely.service""#, unit];
        assert_eq!(behind("nodes.a.packages.nginx", "package", "a"), both);
        assert!(behind(unit, "unit", "a").is_empty());
        assert!(behind("pools.tank", "zfs-pool", "a").is_empty());
    }

    #[test]
    fn all_that_is_at_work_on_a_node_stands_behind_its_network_and_what_is_elsewhere_does_not() {
        let units = [r#"nodes.a.units."lonely.service""#, r#"nodes.a.units."nginx.service""#];
        let expected = [&["clusters.home"], &units[..], &["services.web"]].concat();
        assert_eq!(behind("nodes.a.network", "network", "a"), expected);
    }

    #[test]
    fn a_cluster_and_its_services_stand_behind_its_controller_and_its_workers() {
        for (address, kind, node) in [
            ("clusters.home/controller/a", "k0s-controller", "a"),
            ("clusters.home/worker/w", "k0s-worker", "w"),
            ("clusters.home/node/w", "k0s-node", "w"),
            // One that left the file is in no graph.
            ("clusters.home/worker/gone", "k0s-worker", "w"),
        ] {
            assert_eq!(behind(address, kind, node), ["clusters.home", "services.web"], "{address}");
        }
    }

    #[test]
    fn the_rest_of_a_service_is_not_behind_one_of_its_objects() {
        let ground = Ground::Cluster("home".to_owned());
        let change = Change::new("services.web/ConfigMap/default/a".parse().unwrap(), "object", ground, "a");
        let change = Change { action: Action::Replace, disruption: Some("replaces".to_owned()), ..change };
        assert!(noted(change).is_empty());
    }

    #[test]
    fn a_change_that_interrupts_nothing_or_is_not_made_has_nothing_behind_it() {
        let ground = Ground::Node("a".to_owned());
        let address = "nodes.a.network".parse().unwrap();
        let quiet = Change { action: Action::Update, ..Change::new(address, "network", ground, "network") };
        let loud = Change { disruption: Some("restarts networking on a".to_owned()), ..quiet.clone() };
        let refused = Change { obstacle: Some(Obstacle::Refused("no".to_owned())), ..loud.clone() };
        let unchanged = Change { action: Action::None, ..loud.clone() };
        let later = Change { action: Action::Deferred, ..loud.clone() };
        for (change, says) in [(quiet, false), (loud, true), (refused, false), (unchanged, false), (later, true)] {
            assert_eq!(!noted(change.clone()).is_empty(), says, "{change:?}");
        }
    }
}
