//! What a port carries, what its devices are called, and where its routes and resolvers lead.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{Rule, Subject};
use crate::config::{Diagnostic, Located, Place};
use crate::lab::Port;

/// The rules on ports.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB121",
        name: "native-and-tagged",
        about: "A port carries one VLAN both untagged and tagged: a switch sends it in one of the two ways.",
        check: native_and_tagged,
    },
    Rule {
        code: "LAB122",
        name: "interface-name",
        about: "The kernel has room for 15 characters in an interface's name, without spaces and slashes. The device of a tagged VLAN is called PORT.ID, and counts too.",
        check: interface_name,
    },
    Rule {
        code: "LAB123",
        name: "bridge-name-taken",
        about: "Container networks make bridges of their own (`kube-bridge`, `cni0`, `docker0`); a bridge of the host with such a name breaks both. `bridge0` is the name in the CNI plug-in's own examples.",
        check: bridge_name_taken,
    },
    Rule {
        code: "LAB124",
        name: "bridge-used-twice",
        about: "One bridge is named by two attachments of a node: it would join two VLANs to one network. A bridge can't have the name of a port either.",
        check: bridge_twice,
    },
    Rule {
        code: "LAB125",
        name: "default-route-twice",
        about: "A node has two default routes of the same metric: half of what it sends leaves by the wrong way, and replies come back by another than the question.",
        check: default_route_twice,
    },
    Rule {
        code: "LAB126",
        name: "next-hop-out-of-reach",
        about: "The next hop of a route lies in no subnet in which the port has an address: the kernel refuses the route.",
        check: next_hop,
    },
    Rule {
        code: "LAB127",
        name: "only-resolver-in-the-lab",
        about: "The only resolver of a node is one that the lab itself runs. When the lab is down, or starts, nothing on the node resolves, not even what is needed to start the resolver.",
        check: only_resolver,
    },
    Rule {
        code: "LAB128",
        name: "replaces",
        about: "`replaces` names files in /etc/netplan that labctl's own takes the place of: their plain names, and not that of labctl's own.",
        check: replaces,
    },
    Rule {
        code: "LAB129",
        name: "public-resolver-first",
        about: "A resolver outside of the lab stands before one that the lab runs. The second is asked only when the first is silent, so names that exist in the lab alone are unknown, and names with an address for inside get the one for outside.",
        check: public_first,
    },
];

/// IFNAMSIZ in linux/if.h is 16, with the zero at the end.
const LONGEST_NAME: usize = 15;
const TAKEN: &[&str] = &["bridge0", "cni0", "docker0", "kube-bridge", "lo", "virbr0"];
const OWN_NETPLAN_FILE: &str = "60-labctl.yaml";

fn native_and_tagged(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, port, table) in subject.ports() {
        let Some(native) = table.native() else { continue };
        for tagged in table.tagged().filter(|tagged| tagged.vlan.value == native.vlan.value) {
            let summary = format!("`{}` carries the VLAN `{}` untagged and tagged", port.value, native.vlan.value);
            let finding = rule.error(summary, &tagged.vlan.place, "tagged here");
            let finding = finding.also(native.vlan.place.clone(), "untagged here");
            found.push(finding.help("keep the one that the switch's port has"));
        }
    }
    found
}

fn interface_name(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut check = |name: &str, place: &Place| {
        let fault = if name.len() > LONGEST_NAME {
            format!("{} characters", name.len())
        } else if name.is_empty()
            || name == "."
            || name == ".."
            || name.contains(|c: char| !c.is_ascii_graphic() || "/:".contains(c))
        {
            "a name without spaces, slashes and colons is wanted".to_owned()
        } else {
            return;
        };
        let summary = format!("`{name}` can't be the name of an interface");
        let help =
            "names of interfaces have up to 15 letters, digits, `-`, `_` and `.`; `ip link` lists those that are there";
        found.push(rule.error(summary, place, fault).help(help));
    };
    for (_, port, table) in subject.ports() {
        check(port, &port.place);
        for tagged in table.tagged() {
            if let Some(vlan) = subject.file.vlans.get(tagged.vlan).filter(|_| port.len() <= LONGEST_NAME) {
                check(&format!("{}.{}", port.value, vlan.id.value), &tagged.vlan.place);
            }
        }
        for bridge in table.native().into_iter().chain(table.tagged()).filter_map(|said| said.bridge) {
            check(bridge, &bridge.place);
        }
    }
    found
}

fn bridge_name_taken(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let bridges = subject.ports().flat_map(|(_, _, table)| {
        table.native().into_iter().chain(table.tagged()).filter_map(|said| said.bridge).collect::<Vec<_>>()
    });
    let taken = bridges.filter(|bridge| TAKEN.contains(&bridge.as_str()));
    taken
        .map(|bridge| {
            let summary = format!("`{}` is a name that container networks use", bridge.value);
            let finding = rule.error(summary, &bridge.place, "this bridge");
            finding.help("call it after its VLAN: `bridge64`, `br-iot`")
        })
        .collect()
}

fn bridge_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<(&str, &str), &Place> = BTreeMap::new();
    for (node, port, _) in subject.ports() {
        seen.insert((node.value.as_str(), port.value.as_str()), &port.place);
    }
    for (node, _, table) in subject.ports() {
        for bridge in table.native().into_iter().chain(table.tagged()).filter_map(|said| said.bridge) {
            if let Some(first) = seen.insert((node.value.as_str(), bridge.value.as_str()), &bridge.place) {
                let summary = format!("`{}` names two devices of `{}`", bridge.value, node.value);
                let finding = rule.error(summary, &bridge.place, "again here").also(first.clone(), "first here");
                found.push(finding.help("give every VLAN a bridge of its own name"));
            }
        }
    }
    found
}

fn default_route_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, node) in &subject.lab.nodes {
        let ports = node.network.iter().flat_map(|network| network.ports.values());
        let mut first: BTreeMap<Option<u32>, (&Port, Ipv4Addr)> = BTreeMap::new();
        for port in ports {
            for route in port.routes.iter().filter(|route| route.to == Ipv4Net::default()) {
                let Some((other, via)) = first.insert(route.metric, (port, route.via)) else { continue };
                let summary = format!("`{name}` has two default routes: via {via} and via {}", route.via);
                let finding = rule.error(summary, &port.place, format!("via {} through this port", route.via));
                let help = "set `default_route = false` on one of the ports, or give one route a higher `metric`";
                let words = format!("via {via} through this one");
                found.push(finding.also(other.place.clone(), words).help(help));
            }
        }
    }
    found
}

fn next_hop(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (node, port, table) in subject.ports() {
        let network = subject.lab.nodes.get(&node.value).and_then(|node| node.network.as_ref());
        let Some(resolved) = network.and_then(|network| network.ports.get(&port.value)).filter(|port| !port.dhcp)
        else {
            continue;
        };
        let reached: Vec<Ipv4Net> = resolved.attachments().filter_map(|at| at.address).collect();
        for route in &table.routes {
            if !reached.iter().any(|subnet| subnet.contains(&route.via.value)) {
                let summary = format!("{} can't be reached through `{}`", route.via.value, port.value);
                let help = match reached.as_slice() {
                    [] => "the port has no address".to_owned(),
                    nets => {
                        let nets: Vec<String> = nets.iter().map(|net| net.trunc().to_string()).collect();
                        format!("the port has addresses in {}", nets.join(", "))
                    }
                };
                found.push(rule.error(summary, &route.via.place, "this next hop").help(help));
            }
        }
    }
    found
}

fn only_resolver(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, table) in subject.nodes() {
        let ports = table.network.iter().flat_map(|network| network.ports.iter());
        let resolvers: Vec<&Located<IpAddr>> = ports.flat_map(|(_, port)| &port.resolvers).collect();
        let Some(first) = resolvers.first().filter(|first| resolvers.iter().all(|other| other.value == first.value))
        else {
            continue;
        };
        let IpAddr::V4(address) = first.value else { continue };
        if runs_in_the_lab(subject, address) {
            let summary = format!("the only resolver of `{}` is in the lab itself", name.value);
            let finding = rule.warning(summary, &first.place, "no name resolves while this one is down");
            found.push(finding.help("add a second one outside of the lab behind it, such as \"1.1.1.1\""));
        }
    }
    found
}

/// In one of its VLANs, and no gateway: that device is not labctl's.
fn runs_in_the_lab(subject: &Subject<'_>, address: Ipv4Addr) -> bool {
    let is_gateway = subject.lab.vlans.values().any(|vlan| vlan.gateway == Some(address));
    subject.lab.subnet_of(address).is_some() && !is_gateway
}

fn public_first(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let is_inside = |resolver: &Located<IpAddr>| match resolver.value {
        IpAddr::V4(address) => runs_in_the_lab(subject, address),
        IpAddr::V6(_) => false,
    };
    let mut found = Vec::new();
    for (_, port, table) in subject.ports() {
        let first = table.resolvers.first().filter(|first| !is_inside(first));
        let inside = table.resolvers.iter().find(|resolver| is_inside(resolver));
        if let (Some(first), Some(inside)) = (first, inside) {
            let summary = format!("`{}` asks {} before the lab's own resolver", port.value, first.value);
            let finding = rule.warning(summary, &first.place, "knows nothing of the lab");
            let finding = finding.also(inside.place.clone(), "asked only when the others are silent");
            found.push(finding.help(format!("put \"{}\" first", inside.value)));
        }
    }
    found
}

fn replaces(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let networks = subject.nodes().filter_map(|(_, node)| node.network.as_ref());
    let mut found = Vec::new();
    for file in networks.flat_map(|network| &network.keys.replaces) {
        let name = file.value.as_str();
        if name == OWN_NETPLAN_FILE {
            let finding = rule.error(format!("`{name}` is labctl's own file"), &file.place, "can't replace itself");
            found.push(finding.help("remove it from `replaces`"));
        } else if name.contains('/') || name.starts_with('.') || name.strip_suffix(".yaml").is_none_or(str::is_empty) {
            let summary = format!("`{name}` is no file that netplan reads");
            let finding = rule.error(summary, &file.place, "not the plain name of a `.yaml` file");
            found.push(finding.help("write the names as `ls /etc/netplan` does: `[\"01-netcfg.yaml\"]`"));
        }
    }
    found
}
