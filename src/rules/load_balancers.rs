//! Addresses that a load balancer hands out: in their VLAN, held by nobody else, and announced by somebody.

use std::net::Ipv4Addr;

use super::{Rule, Subject};
use crate::config::{AddressRange, Diagnostic, Located, Place};
use crate::lab::Port;
use crate::services::metallb::{Announcer, MetallbTable, Pool, announcers, pools};

/// The rules on load balancers.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB611",
        name: "pool-outside-vlan",
        about: "Addresses of a pool do not lie in the subnet of its VLAN, or a fixed address lies in that of no VLAN: nobody in that network would ask for them there.",
        check: outside_vlan,
    },
    Rule {
        code: "LAB612",
        name: "pool-holds-host",
        about: "A pool contains the address of a gateway, a node or a reserved device, or one that no host can hold: two would answer for it as soon as a Service gets it. A fixed address may be a reserved one: that is what it is reserved for.",
        check: holds_host,
    },
    Rule {
        code: "LAB613",
        name: "pools-overlap",
        about: "Two pools share addresses. Within a cluster MetalLB refuses them; of two clusters in one network both would announce an address.",
        check: overlap,
    },
    Rule {
        code: "LAB614",
        name: "nobody-announces",
        about: "No node holds an address in the VLAN of a pool, or the device that is said for it holds none there: its addresses would be handed out and nobody would answer for them, or the answers would not leave the network.",
        check: nobody_announces,
    },
];

/// All pools of all clusters, with the service of each.
fn all<'a>(subject: &Subject<'a>) -> Vec<(&'a str, Pool<'a>)> {
    let services = subject.file.services.iter();
    let tables = services.filter_map(|(name, table)| Some((name.value.as_str(), table.as_kind::<MetallbTable>()?)));
    tables.flat_map(|(name, table)| pools(table, subject.lab).into_iter().map(move |pool| (name, pool))).collect()
}

fn outside_vlan(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, pool) in all(subject) {
        let subnet = pool.vlan.and_then(|vlan| Some((vlan, subject.lab.vlans.get(vlan)?.subnet)));
        match subnet {
            Some((vlan, subnet)) => {
                let outside =
                    pool.ranges.iter().filter(|range| !subnet.contains(&range.first) || !subnet.contains(&range.last));
                for range in outside {
                    let summary = format!("`{}` does not lie in VLAN `{vlan}`", range.value);
                    let finding = rule.error(summary, &range.place, format!("not in {subnet}"));
                    found.push(finding.help(format!("its subnet is {subnet}")));
                }
            }
            // A pool whose VLAN is declared nowhere has its own fault.
            None if pool.is_fixed => {
                for range in &pool.ranges {
                    let summary = format!("{} lies in no declared VLAN", range.first);
                    let finding = rule.error(summary, &range.place, "this address");
                    found.push(
                        finding.help("declare the VLAN whose subnet holds it, or write an address of one that is"),
                    );
                }
            }
            None => {}
        }
    }
    found
}

/// An address that a pool must not contain.
struct Held<'a> {
    address: Ipv4Addr,
    /// What it is: `the address of the node …`.
    what: String,
    place: Option<&'a Place>,
    is_reserved: bool,
}

fn held<'a>(subject: &Subject<'a>) -> Vec<Held<'a>> {
    let mut held = Vec::new();
    for (name, vlan) in subject.file.vlans.iter() {
        let name = &name.value;
        let mut add = |address, what, place, is_reserved| held.push(Held { address, what, place, is_reserved });
        if let Some(gateway) = &vlan.gateway {
            add(gateway.value, format!("the gateway of VLAN `{name}`"), Some(&gateway.place), false);
        }
        for (device, address) in vlan.reserved.iter() {
            let what = format!("the reserved `{}` of VLAN `{name}`", device.value);
            add(address.value, what, Some(&address.place), true);
        }
        let subnet = vlan.subnet.value.0;
        // RFC 3021: in a /31 both are hosts.
        if subnet.prefix_len() < 31 {
            add(subnet.network(), format!("the network address of VLAN `{name}`"), None, false);
            add(subnet.broadcast(), format!("the broadcast address of VLAN `{name}`"), None, false);
        }
    }
    for (name, node) in subject.nodes() {
        let own = node.address.as_ref().map(|address| (address.value, &address.place));
        let ports = subject.lab.nodes.get(&name.value).and_then(|node| node.network.as_ref());
        let attached = ports.into_iter().flat_map(|network| network.ports.values()).flat_map(Port::attachments);
        let attached = attached.filter_map(|at| Some((at.address?.addr(), &at.place)));
        let mut seen: Vec<Ipv4Addr> = Vec::new();
        for (address, place) in own.into_iter().chain(attached) {
            if !seen.contains(&address) {
                seen.push(address);
                let what = format!("the address of the node `{}`", name.value);
                held.push(Held { address, what, place: Some(place), is_reserved: false });
            }
        }
    }
    held
}

fn holds_host(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let held = held(subject);
    for (_, pool) in all(subject) {
        for range in &pool.ranges {
            let is_taken = |held: &&Held<'_>| range.contains(held.address) && !(held.is_reserved && pool.is_fixed);
            let taken: Vec<&Held<'_>> = held.iter().filter(is_taken).collect();
            for held in &taken {
                let summary = format!("the pool `{}` contains {}, {}", pool.name, held.address, held.what);
                let mut finding = rule.error(summary, &range.place, "these addresses");
                if let Some(place) = held.place {
                    finding = finding.also(place.clone(), "held here");
                }
                found.push(finding.help(without(range.value, &taken)));
            }
        }
    }
    found
}

/// What is left of a range without the addresses that others hold.
fn without(range: AddressRange, taken: &[&Held<'_>]) -> String {
    let mut rest = vec![range];
    for held in taken {
        rest = rest.iter().flat_map(|range| range.without(held.address)).collect();
    }
    let quoted = |range: &AddressRange| format!("\"{range}\"");
    match rest.as_slice() {
        [] => "write an address that nothing else holds".to_owned(),
        [one] => format!("write `range = {}`", quoted(one)),
        [first, more @ ..] => {
            let more: Vec<String> = more.iter().map(quoted).collect();
            format!("write `range = {}` and `more = [{}]`", quoted(first), more.join(", "))
        }
    }
}

fn overlap(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let all = all(subject);
    let ranges: Vec<(&str, &str, &Located<AddressRange>)> = all
        .iter()
        .flat_map(|(service, pool)| pool.ranges.iter().map(move |range| (*service, pool.name, range)))
        .collect();
    for (nth, (service, pool, range)) in ranges.iter().enumerate() {
        if let Some((other_service, other, first)) =
            ranges[..nth].iter().find(|(.., other)| other.value.overlaps(range.value))
        {
            let of = |service: &str, pool: &str| format!("`{pool}` of `{service}`");
            let summary = format!("the pools {} and {} share addresses", of(other_service, other), of(service, pool));
            let finding = rule.error(summary, &range.place, "these addresses").also(first.place.clone(), "and these");
            found.push(finding.help(
                "give each address to one pool: a range that holds a fixed address is written in two parts, around it",
            ));
        }
    }
    found
}

fn nobody_announces(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, pool) in all(subject) {
        let Some(vlan) = pool.vlan else { continue };
        let able = announcers(subject.lab, vlan);
        let said = |node: &str| pool.nodes.is_empty() || pool.nodes.iter().any(|said| said.value == node);
        for node in pool.nodes.iter().filter(|node| subject.lab.nodes.contains_key(&node.value)) {
            if !able.iter().any(|announcer| announcer.node == node.value) {
                let summary =
                    format!("`{}` holds no address in VLAN `{vlan}`, and is to announce `{}`", node.value, pool.name);
                let finding = rule.error(summary, &node.place, "can't announce it");
                let help = format!("give it one: `tagged = {{ {vlan} = \"…\" }}` on a port of its network");
                found.push(finding.help(help));
            }
        }
        let chosen: Vec<&Announcer<'_>> = able.iter().filter(|announcer| said(announcer.node)).collect();
        if pool.nodes.is_empty() && chosen.is_empty() {
            let summary = format!("no node holds an address in VLAN `{vlan}`: nobody can announce `{}`", pool.name);
            let finding = rule.error(summary, pool.place, "this pool");
            let help =
                format!("give a node of the cluster one: `tagged = {{ {vlan} = \"…\" }}` on a port of its network");
            found.push(finding.help(help));
        }
        if let Some(interface) = pool.interface {
            found.extend(chosen.iter().filter(|announcer| announcer.device != interface.value).map(|announcer| {
                let summary =
                    format!("`{}` of `{}` holds no address in VLAN `{vlan}`", interface.value, announcer.node);
                let finding = rule.error(summary, &interface.place, "can't announce it");
                let words = format!("the address is on `{}`", announcer.device);
                let finding = finding.also(announcer.place.clone(), words);
                finding.help(format!("write `interface = \"{}\"`, or leave it out", announcer.device))
            }));
        }
    }
    found
}
