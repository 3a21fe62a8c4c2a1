//! Who holds which address: once, within its subnet, and not one that no host may hold.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Rule, Subject};
use crate::config::{Diagnostic, Place};
use crate::lab::{Attachment, Port};

/// The rules on addresses.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB101",
        name: "address-claimed-twice",
        about: "Two devices claim one address: both answer for it, and which of them is reached changes by the minute. A VLAN's `gateway` and `reserved` addresses belong to devices that labctl does not manage.",
        check: claimed_twice,
    },
    Rule {
        code: "LAB102",
        name: "two-interfaces-in-one-subnet",
        about: "One host has two interfaces in one subnet. It answers for both addresses on both interfaces and sends replies through either, so connections die half-way and other hosts keep changing their minds on where it is.",
        check: two_interfaces,
    },
    Rule {
        code: "LAB103",
        name: "address-outside-subnet",
        about: "An address does not lie in the subnet of the VLAN that it is said to be in.",
        check: outside_subnet,
    },
    Rule {
        code: "LAB104",
        name: "network-or-broadcast-address",
        about: "The first address of a subnet names the subnet, the last is its broadcast address: no host can hold them.",
        check: no_host_address,
    },
    Rule {
        code: "LAB105",
        name: "own-address-nowhere",
        about: "The node is reached at an address in a VLAN that one of its ports carries, but the port has another address there: applying the network would take away the address that labctl comes in by.",
        check: own_address_nowhere,
    },
];

struct Claim<'a> {
    /// Who: a node's name, or the path of what claims it for an unmanaged device.
    holder: String,
    place: &'a Place,
    is_attachment: bool,
}

fn claims<'a>(subject: &Subject<'a>) -> BTreeMap<Ipv4Addr, Vec<Claim<'a>>> {
    let mut claims: BTreeMap<Ipv4Addr, Vec<Claim<'a>>> = BTreeMap::new();
    let mut add = |address, holder, place, is_attachment| {
        claims.entry(address).or_default().push(Claim { holder, place, is_attachment });
    };
    for (name, vlan) in subject.file.vlans.iter() {
        if let Some(gateway) = &vlan.gateway {
            add(gateway.value, format!("the gateway of VLAN `{}`", name.value), &gateway.place, false);
        }
        for (device, address) in vlan.reserved.iter() {
            let holder = format!("the reserved `{}` of VLAN `{}`", device.value, name.value);
            add(address.value, holder, &address.place, false);
        }
    }
    for (name, node) in subject.nodes() {
        if let Some(address) = &node.address {
            add(address.value, format!("the node `{}`", name.value), &address.place, false);
        }
    }
    for (node, _, port) in subject.ports() {
        for said in port.native().into_iter().chain(port.tagged()) {
            if let Some(address) = said.address {
                add(address.value, format!("the node `{}`", node.value), &address.place, true);
            }
        }
    }
    claims
}

fn claimed_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (address, mut claims) in claims(subject) {
        claims.sort_by_key(|claim| claim.place);
        let Some(first) = claims.first() else { continue };
        // A node's `address` is that of one of its ports: only two ports of one node contradict each other.
        let is_same =
            |claim: &&Claim<'_>| claim.holder == first.holder && !(claim.is_attachment && first.is_attachment);
        for claim in claims.iter().skip(1).filter(|claim| !is_same(claim)) {
            let summary = format!("{address} is claimed twice: by {} and by {}", first.holder, claim.holder);
            let finding = rule.error(summary, claim.place, "claimed again here");
            let help = "give one of them another address, or remove the claim of the one that is gone";
            found.push(finding.also(first.place.clone(), "claimed first here").help(help));
        }
    }
    found
}

fn two_interfaces(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, node) in &subject.lab.nodes {
        let ports = node.network.iter().flat_map(|network| network.ports.values());
        let interfaces: Vec<(&Port, &Attachment, Ipv4Net)> =
            ports.flat_map(|port| port.attachments().filter_map(move |at| Some((port, at, at.address?)))).collect();
        for (nth, (port, attachment, address)) in interfaces.iter().enumerate() {
            let overlaps = |other: &Ipv4Net| other.contains(&address.network()) || address.contains(&other.network());
            let Some((beside, other, _)) = interfaces[..nth].iter().find(|(.., other)| overlaps(&other.trunc())) else {
                continue;
            };
            let (one, two) = (other.device(beside), attachment.device(port));
            let summary = format!("`{name}` has two interfaces in {}: `{one}` and `{two}`", address.trunc());
            let finding = rule.error(summary, &attachment.place, format!("`{two}` has an address in it"));
            let help = "keep the address on one interface; the other may carry the VLAN without one, for a bridge";
            found.push(finding.also(other.place.clone(), format!("`{one}` has one too")).help(help));
        }
    }
    found
}

/// All addresses that the file puts into a VLAN, with the VLAN's name and subnet.
fn placed<'a>(subject: &Subject<'a>) -> Vec<(Ipv4Addr, &'a Place, String, Ipv4Net)> {
    let mut placed = Vec::new();
    for (name, vlan) in subject.file.vlans.iter() {
        let held = vlan.gateway.iter().chain(vlan.reserved.iter().map(|(_, address)| address));
        placed.extend(held.map(|at| (at.value, &at.place, name.value.clone(), vlan.subnet.value.0)));
    }
    for (_, _, port) in subject.ports() {
        for said in port.native().into_iter().chain(port.tagged()) {
            if let (Some(at), Some(vlan)) = (said.address, subject.file.vlans.get(said.vlan)) {
                placed.push((at.value, &at.place, said.vlan.value.clone(), vlan.subnet.value.0));
            }
        }
    }
    placed
}

fn outside_subnet(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let outside = placed(subject).into_iter().filter(|(address, _, _, subnet)| !subnet.contains(address));
    outside
        .map(|(address, place, vlan, subnet)| {
            let summary = format!("{address} does not lie in VLAN `{vlan}`");
            let other = subject.lab.subnet_of(address).map(|(name, _)| name);
            let help = match other {
                Some(other) => format!("its subnet is {subnet}; {address} lies in VLAN `{other}`"),
                None => format!("its subnet is {subnet}"),
            };
            rule.error(summary, place, format!("not in {subnet}")).help(help)
        })
        .collect()
}

fn no_host_address(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut all: Vec<(Ipv4Addr, &Place, Ipv4Net)> =
        placed(subject).into_iter().map(|(address, place, _, subnet)| (address, place, subnet)).collect();
    for (_, node) in subject.nodes() {
        let own = node.address.iter().filter_map(|own| Some((own, subject.lab.subnet_of(own.value)?.1)));
        all.extend(own.map(|(own, subnet)| (own.value, &own.place, subnet)));
    }
    let mut found = Vec::new();
    // RFC 3021: in a /31 both are hosts; a /32 is one host.
    for (address, place, subnet) in all.into_iter().filter(|(.., subnet)| subnet.prefix_len() < 31) {
        let what = match address {
            address if address == subnet.network() => "network",
            address if address == subnet.broadcast() => "broadcast",
            _ => continue,
        };
        let summary = format!("{address} is the {what} address of {subnet}");
        let (first, last) = (u32::from(subnet.network()) + 1, u32::from(subnet.broadcast()) - 1);
        let help = format!("hosts have {} to {}", Ipv4Addr::from(first), Ipv4Addr::from(last));
        found.push(rule.error(summary, place, "no host can hold it").help(help));
    }
    found
}

fn own_address_nowhere(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, table) in subject.nodes() {
        let (Some(own), Some(node)) = (&table.address, subject.lab.nodes.get(&name.value)) else { continue };
        let Some((vlan, _)) = subject.lab.subnet_of(own.value) else { continue };
        let ports = node.network.iter().flat_map(|network| network.ports.values());
        let attachments: Vec<&Attachment> = ports.flat_map(Port::attachments).collect();
        if attachments.iter().any(|at| at.address.is_some_and(|address| address.addr() == own.value)) {
            continue;
        }
        if let Some(other) = attachments.iter().find(|at| at.vlan == vlan && at.address.is_some()) {
            let summary =
                format!("`{}` is reached at {}, and no port of it would have that address", name.value, own.value);
            let finding = rule.error(summary, &other.place, format!("the node's address in `{vlan}` is another one"));
            let help = "give the port the node's `address`; to move the node, change `address` and say `ssh.previous`";
            found.push(finding.also(own.place.clone(), "the node's address").help(help));
        }
    }
    found
}
