//! VLANs: every id and every address belongs to one of them.

use super::{Rule, Subject};
use crate::config::Diagnostic;

/// The rules on VLANs.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB111",
        name: "vlan-id-twice",
        about: "Two VLANs have one 802.1Q id: on the wire they are one network.",
        check: id_twice,
    },
    Rule {
        code: "LAB112",
        name: "subnets-overlap",
        about: "The subnets of two VLANs overlap: a host in one takes hosts of the other for its neighbours and never reaches them.",
        check: overlap,
    },
];

fn id_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let vlans: Vec<_> = subject.file.vlans.iter().collect();
    let mut found = Vec::new();
    for (nth, (name, vlan)) in vlans.iter().enumerate() {
        if let Some((other, first)) = vlans[..nth].iter().find(|(_, other)| other.id.value == vlan.id.value) {
            let id = vlan.id.value;
            let summary = format!("the VLANs `{}` and `{}` have one id, {id}", other.value, name.value);
            let finding = rule.error(summary, &vlan.id.place, "again here").also(first.id.place.clone(), "first here");
            found.push(finding.help("give each VLAN the id that the switch has for it"));
        }
    }
    found
}

fn overlap(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let vlans: Vec<_> = subject.file.vlans.iter().collect();
    let mut found = Vec::new();
    for (nth, (name, vlan)) in vlans.iter().enumerate() {
        let subnet = vlan.subnet.value.0;
        for (other, first) in &vlans[..nth] {
            let other_subnet = first.subnet.value.0;
            if subnet.contains(&other_subnet) || other_subnet.contains(&subnet) {
                let summary = format!("the subnets of the VLANs `{}` and `{}` overlap", other.value, name.value);
                let finding = rule.error(summary, &vlan.subnet.place, "overlaps");
                let finding = finding.also(first.subnet.place.clone(), "with this one");
                found.push(finding.help("every VLAN has addresses of its own; check the prefix lengths"));
            }
        }
    }
    found
}
