//! The machines of a lab as their owner has them before labctl comes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::clock::mix;
use super::files::What;
use super::k0s;
use super::machine::Machine;
use super::network::{Kernel, netplan};
use super::programs::PACKAGE_INDEX;
use super::storage::{Disk, thick};
use crate::lab::{Attachment, Connection, Lab, Network, Node, Os, Pool, Port};

/// The machine of one node.
pub(super) fn machine(lab: &Lab, node: &Node, seed: u64) -> Machine {
    let seed = node.name.bytes().fold(mix(seed), |seed, byte| mix(seed ^ u64::from(byte)));
    let mut machine = Machine::bare(&node.name, seed);
    machine.os = node.os;
    machine.hostname.clone_from(&node.hostname);
    // Where the file does not say where k0s comes from, its owner has put it there.
    let own = lab.clusters.values().filter_map(|cluster| cluster.k0s.as_ref());
    let is_here = |own: &&crate::lab::K0s| own.binary.is_empty() && own.nodes().any(|name| name.value == node.name);
    for own in own.filter(is_here) {
        if let Some(version) = own.version {
            machine.files.write(k0s::PROGRAM, k0s::binary(version), 0o755);
        }
    }
    // Whom the files name is there: the simulation can't know of whom the owner forgot.
    let named = node.files.values().flat_map(|file| [file.owner.clone(), file.group.clone()]);
    machine.accounts.extend(named.flatten());
    match &node.connection {
        Connection::Local => drop(machine.accounts.insert("operator".to_owned())),
        Connection::Ssh(ssh) => machine.accounts.extend(ssh.user.clone()),
    }
    machine.files.write(PACKAGE_INDEX, "", 0o644);
    software(lab, node, &mut machine);
    storage(lab, node, &mut machine);
    network(lab, node, seed, &mut machine);
    machine
}

/// What is installed: what the owner needed for what is there already.
fn software(lab: &Lab, node: &Node, machine: &mut Machine) {
    if node.os == Os::Macos {
        return;
    }
    let mut wants = vec!["iputils-ping"];
    wants.extend(node.network.is_some().then_some("netplan.io"));
    let has_pools = lab.pools.values().any(|pool| pool.node.value == node.name && pool.devices.is_empty());
    wants.extend(has_pools.then_some("zfsutils-linux"));
    if let Ok(plan) = machine.packages.plan(&wants) {
        let started = machine.packages.install(&plan, &wants, &mut machine.files);
        machine.units.reload(&machine.files);
        for unit in &started {
            let _ = machine.units.start(unit);
        }
    }
    if has_pools {
        machine.tuning.load("zfs");
    }
    // Units that neither the file nor a known package brings came with the system.
    for (name, _) in node.units.iter().filter(|(_, unit)| unit.content.is_none()) {
        let path = format!("/usr/lib/systemd/system/{name}");
        let is_brought = node.packages.keys().any(|package| name.starts_with(package.as_str()));
        if !is_brought && !machine.files.exists(&path) && !name.contains('@') {
            machine.files.write(
                &path,
                "[Unit]\nDescription=Part of the system\n\n[Install]\nWantedBy=multi-user.target\n",
                0o644,
            );
        }
    }
}

/// The pools that the owner has, with what is data in them; and blank disks for those that are to be made.
fn storage(lab: &Lab, node: &Node, machine: &mut Machine) {
    for pool in lab.pools.values().filter(|pool| pool.node.value == node.name) {
        for device in &pool.devices {
            let path = device.value.as_str();
            let is_file = !path.starts_with("/dev/");
            if is_file {
                machine.files.write(path, "", 0o600);
            } else {
                machine.files.put(path, What::Device, 0o660, "root", "disk");
            }
            machine.storage.disks.insert(path.to_owned(), Disk { is_file, ..Disk::default() });
        }
        if pool.devices.is_empty() {
            owned(pool, machine);
        }
    }
}

/// A pool that its owner made: with data, and never tuned as the file wants it in one point.
fn owned(pool: &Pool, machine: &mut Machine) {
    let volumes: u64 = pool.volumes.values().map(|volume| volume.size.value.0).sum();
    let disk = format!("/dev/disk/by-id/simulated-{}", pool.name);
    machine.files.put(&disk, What::Device, 0o660, "root", "disk");
    machine.storage.add_pool(&pool.name, volumes * 2 + (4 << 40), ("", &[disk]), BTreeMap::new());
    for (name, value) in pool.properties.iter().filter(|(name, _)| *name != "atime") {
        set(machine, &pool.name, name, value);
    }
    for (path, dataset) in pool.datasets.iter().filter(|(_, dataset)| !dataset.properties.is_empty()) {
        let name = format!("{}/{path}", pool.name);
        let _ = machine.storage.create(&name, None, &[], true);
        for (property, value) in &dataset.properties {
            set(machine, &name, property, value);
        }
    }
    for (path, volume) in &pool.volumes {
        let size = volume.size.value.0;
        let settings: BTreeMap<String, String> = [("volsize", size), ("refreservation", thick(size, 16_384))]
            .map(|(k, v)| (k.to_owned(), v.to_string()))
            .into();
        machine.storage.add(&format!("{}/{path}", pool.name), true, settings, size / 2);
        for (property, value) in &volume.properties {
            set(machine, &format!("{}/{path}", pool.name), property, value);
        }
    }
}

/// Sets what can be set; what can't, the owner hasn't.
fn set(machine: &mut Machine, name: &str, property: &str, value: &str) {
    if machine.storage.set(name, property, value).is_err() && !name.contains('/') {
        let _ = machine.storage.set_pool(name, property, value);
    }
}

/// Its network cards, and the address by which it is reached as an installer sets it up.
fn network(lab: &Lab, node: &Node, seed: u64, machine: &mut Machine) {
    machine.surroundings.meet(lab, node);
    let declared: Vec<String> = node.network.iter().flat_map(|network| network.ports.keys().cloned()).collect();
    let first = if node.os == Os::Macos { "en0" } else { "eth0" };
    let names = if declared.is_empty() { vec![first.to_owned()] } else { declared };
    let port = |(at, name): (usize, &String)| {
        let number = mix(seed ^ u64::try_from(at).unwrap_or_default());
        let bytes: Vec<String> = number.to_be_bytes()[..5].iter().map(|byte| format!("{byte:02x}")).collect();
        // 02: an address that somebody has given, no maker's.
        (name.clone(), format!("02:{}", bytes.join(":")), true)
    };
    machine.kernel = Kernel::started(names.iter().enumerate().map(port).collect::<Vec<_>>());
    let Some(address) = node.address else { return };
    let file = node.network.as_ref().and_then(|network| Some((network, network.replaces.first()?)));
    if let Some((network, name)) = file {
        let text = installed(lab, network, address);
        machine.files.write(&format!("/etc/netplan/{name}"), text, 0o600);
        if let Ok((configuration, _)) = netplan::read(&machine.files, "/") {
            configuration.bring_up(&mut machine.kernel, &machine.surroundings);
        }
    } else {
        machine.address_by_hand = names.first().map(|name| (name.clone(), subnet(lab, address)));
        machine.kernel.by_hand(machine.address_by_hand.as_ref());
    }
}

fn subnet(lab: &Lab, address: Ipv4Addr) -> Ipv4Net {
    let length = lab.subnet_of(address).map_or(24, |(_, subnet)| subnet.prefix_len());
    // A prefix length that a subnet has is one that an address can have.
    Ipv4Net::new(address, length).unwrap_or_else(|_| Ipv4Net::new_assert(address, 32))
}

/// A netplan file as an installer writes it: one address, one gateway, one resolver.
fn installed(lab: &Lab, network: &Network, address: Ipv4Addr) -> String {
    let holds = |attachment: &&Attachment| attachment.address.is_some_and(|net| net.addr() == address);
    let all = || network.ports.values().flat_map(|port| port.attachments().map(move |attachment| (port, attachment)));
    let found = all().find(|(_, attachment)| holds(attachment));
    let port = found.map(|(port, _)| port).or(network.ports.values().next());
    let Some(port) = port else { return "network: {version: 2}\n".to_owned() };
    let gateway = lab.subnet_of(address).and_then(|(name, _)| lab.vlans.get(name)?.gateway);
    let mut settings = format!("      addresses: [{}]\n", subnet(lab, address));
    if let Some(gateway) = gateway {
        settings += &format!("      routes:\n      - to: default\n        via: {gateway}\n");
        settings += &format!("      nameservers:\n        addresses: [{gateway}]\n");
    }
    let tag = found.filter(|(port, attachment)| attachment.link(port) != port.name).map(|(_, attachment)| attachment);
    match tag {
        None => format!("network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    {}:\n{settings}", port.name),
        Some(attachment) => tagged(port, attachment, &settings),
    }
}

fn tagged(port: &Port, attachment: &Attachment, settings: &str) -> String {
    let (name, link) = (&port.name, attachment.link(port));
    format!(
        "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    {name}: {{}}\n  vlans:\n    {link}:\n      id: \
         {}\n      link: {name}\n{settings}",
        attachment.id
    )
}
