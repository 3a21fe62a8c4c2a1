//! `ip`, `ping` and `netplan`: what the kernel has, told and changed.

use serde_json::{Value as Json, json};

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::network::{Address, Kernel, Link, Nature, Route, netplan};
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

/// Milliseconds that `netplan apply` takes on a host.
const NETPLAN_APPLY: u64 = 9_000;
/// Milliseconds that `ping -W 2` waits.
const NO_ANSWER: u64 = 2_000;

pub(super) fn ip(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let words = arguments.iter().position(|word| !word.starts_with('-')).unwrap_or(arguments.len());
    let (options, words) = arguments.split_at(words);
    let kernel = &mut machine.kernel;
    match (options, words) {
        (["-j", "-d"], ["addr", "show"]) => said(links_json(kernel)),
        (["-j", "-4"], ["route", "show"]) => said(routes_json(kernel)),
        (["-4", "-o"], ["addr", "show"]) => said(addresses(kernel, None)),
        (["-4", "-o"], ["addr", "show", "dev", device]) => {
            if kernel.links.contains_key(*device) {
                said(addresses(kernel, Some(device)))
            } else {
                no_device(device)
            }
        }
        (["-br", "-4"], ["addr", "show", "dev", device]) => match kernel.links.get(*device) {
            Some(link) => said(brief(kernel, device, link)),
            None => no_device(device),
        },
        (["-4", "-o"], ["route", "show", "table", "main"]) => said(routes(kernel)),
        (["-4"], ["route", "show", "match", to, "dev", device, "scope", "link"]) => said(route_lines(
            kernel
                .all_routes()
                .iter()
                .filter(|route| route.via.is_none() && route.device == *device && covers(&route.to, to)),
        )),
        (["-4"], ["route", "show", to, "via", via, "dev", device, rest @ ..]) => {
            let metric = match rest {
                [] => None,
                ["metric", metric] => metric.parse().ok(),
                _ => return unknown("ip", arguments),
            };
            said(route_lines(kernel.all_routes().iter().filter(|route| {
                route.to == to.trim_end_matches("/32")
                    && route.via.as_deref() == Some(via)
                    && route.device == *device
                    && (metric.is_none() || route.metric == metric)
            })))
        }
        (["-4"], ["neigh", "show", ..]) => done(),
        ([], ["neigh", "flush", ..]) => done(),
        ([], ["addr", "add", address, "dev", device]) => add_address(kernel, address, device),
        ([], ["addr", "del", address, "dev", device]) => remove_address(kernel, address, device),
        ([], ["route", "replace", route @ ..]) => replace_route(kernel, route),
        ([], ["route", "del", to]) => {
            let before = kernel.routes.len();
            kernel.routes.retain(|route| route.to != *to);
            if kernel.routes.len() < before { done() } else { failed(2, "RTNETLINK answers: No such process") }
        }
        ([], ["link", "del", "dev", device] | ["link", "del", device]) => {
            if kernel.remove(device) {
                done()
            } else {
                cannot_find(device)
            }
        }
        ([], ["link", "set", "dev", device, change @ ..]) => set_link(kernel, device, change, arguments),
        _ => unknown("ip", arguments),
    }
}

fn no_device(device: &str) -> Result<Output, Gap> {
    failed(1, format!("Device \"{device}\" does not exist."))
}

fn cannot_find(device: &str) -> Result<Output, Gap> {
    failed(1, format!("Cannot find device \"{device}\""))
}

fn set_link(kernel: &mut Kernel, device: &str, change: &[&str], arguments: &[&str]) -> Result<Output, Gap> {
    let has_master =
        |name: &str| kernel.links.get(name).is_some_and(|link| matches!(link.nature, Nature::Bridge { .. }));
    let master_is_there = match change {
        ["master", master] => has_master(master),
        _ => true,
    };
    let Some(link) = kernel.links.get_mut(device) else { return cannot_find(device) };
    match change {
        ["up"] => link.is_up = true,
        ["down"] => {
            link.is_up = false;
            kernel.routes.retain(|route| route.device != device);
        }
        ["mtu", bytes] if bytes.parse::<u64>().is_ok() => link.mtu = bytes.parse().unwrap_or(link.mtu),
        // networkd puts what it looks after back into its bridge at once.
        ["nomaster"] if link.is_managed && link.master.is_some() => {}
        ["nomaster"] => link.master = None,
        ["master", master] if master_is_there => link.master = Some((*master).to_owned()),
        ["master", master] => {
            return failed(1, format!("Error: argument \"{master}\" is wrong: Device does not exist"));
        }
        _ => return unknown("ip", arguments),
    }
    done()
}

fn add_address(kernel: &mut Kernel, address: &str, device: &str) -> Result<Output, Gap> {
    let Ok(net) = address.parse() else {
        return failed(1, format!("Error: any valid prefix is expected rather than \"{address}\"."));
    };
    let Some(link) = kernel.links.get_mut(device) else { return cannot_find(device) };
    if link.addresses.iter().any(|held| held.net == net) {
        return failed(2, "RTNETLINK answers: File exists");
    }
    link.addresses.push(Address { net, is_leased: false });
    done()
}

fn remove_address(kernel: &mut Kernel, address: &str, device: &str) -> Result<Output, Gap> {
    let Some(link) = kernel.links.get_mut(device) else { return cannot_find(device) };
    let before = link.addresses.len();
    link.addresses.retain(|held| held.net.to_string() != address);
    if link.addresses.len() == before {
        return failed(2, "RTNETLINK answers: Cannot assign requested address");
    }
    kernel.prune();
    done()
}

fn replace_route(kernel: &mut Kernel, words: &[&str]) -> Result<Output, Gap> {
    let [to, rest @ ..] = words else { return unknown("ip", words) };
    let mut route = Route {
        to: (*to).to_owned(),
        via: None,
        device: String::new(),
        protocol: "boot".to_owned(),
        metric: None,
        source: None,
    };
    for pair in rest.chunks(2) {
        match pair {
            ["via", via] => route.via = Some((*via).to_owned()),
            ["dev", device] => (*device).clone_into(&mut route.device),
            ["proto", protocol] => (*protocol).clone_into(&mut route.protocol),
            ["metric", metric] => route.metric = metric.parse().ok(),
            ["src", source] => route.source = Some((*source).to_owned()),
            ["scope", _] => {}
            _ => return unknown("ip", words),
        }
    }
    if route.via.as_ref().is_some_and(|via| !kernel.reaches(&route.device, via)) {
        return failed(2, "Error: Nexthop has invalid gateway.");
    }
    kernel.routes.retain(|other| (&other.to, other.metric) != (&route.to, route.metric));
    kernel.routes.push(route);
    done()
}

fn addresses(kernel: &Kernel, device: Option<&str>) -> String {
    let mut links: Vec<(&String, &Link)> = kernel.links.iter().collect();
    links.sort_by_key(|(_, link)| link.index);
    let mut text = String::new();
    for (name, link) in links.into_iter().filter(|(name, _)| device.is_none_or(|device| **name == device)) {
        for address in &link.addresses {
            let net = address.net;
            let (scope, broadcast) = match link.nature {
                Nature::Loopback => ("host", String::new()),
                _ => ("global", format!(" brd {}", net.broadcast())),
            };
            let dynamic = if address.is_leased { " dynamic" } else { "" };
            text += &format!(
                "{}: {name}    inet {net}{broadcast} scope {scope}{dynamic} {name}\\       valid_lft forever preferred_lft forever\n",
                link.index
            );
        }
    }
    text
}

fn brief(kernel: &Kernel, device: &str, link: &Link) -> String {
    let addresses: String = link.addresses.iter().map(|address| format!("{} ", address.net)).collect();
    if addresses.is_empty() {
        // `-4` lists no device without an IPv4 address.
        return String::new();
    }
    let name = match &link.nature {
        Nature::Vlan { parent, .. } => format!("{device}@{parent}"),
        _ => device.to_owned(),
    };
    format!("{name:<16} {:<14} {addresses}\n", state(kernel, device, link))
}

fn state(kernel: &Kernel, name: &str, link: &Link) -> &'static str {
    match link.nature {
        Nature::Loopback => "UNKNOWN",
        _ if !link.is_up => "DOWN",
        _ if kernel.has_carrier(name) => "UP",
        _ if matches!(link.nature, Nature::Vlan { .. }) => "LOWERLAYERDOWN",
        _ => "DOWN",
    }
}

/// Whether a route's network holds an address.
fn covers(network: &str, address: &str) -> bool {
    match (network.parse::<ipnet::Ipv4Net>(), address.parse::<std::net::Ipv4Addr>()) {
        (Ok(network), Ok(address)) => network.contains(&address),
        _ => false,
    }
}

fn routes(kernel: &Kernel) -> String {
    route_lines(kernel.all_routes().iter())
}

fn route_lines<'a>(routes: impl Iterator<Item = &'a Route>) -> String {
    let mut text = String::new();
    for route in routes {
        text += &route.to;
        if let Some(via) = &route.via {
            text += &format!(" via {via}");
        }
        text += &format!(" dev {}", route.device);
        if route.protocol != "boot" {
            text += &format!(" proto {}", route.protocol);
        }
        if route.via.is_none() {
            text += " scope link";
        }
        if let Some(source) = &route.source {
            text += &format!(" src {source}");
        }
        if let Some(metric) = route.metric {
            text += &format!(" metric {metric}");
        }
        text += " \n";
    }
    text
}

fn routes_json(kernel: &Kernel) -> String {
    let routes = kernel.all_routes().into_iter().map(|route| {
        let mut object = json!({ "dst": route.to, "dev": route.device, "protocol": route.protocol, "flags": [] });
        if let Some(via) = route.via {
            object["gateway"] = via.into();
        } else {
            object["scope"] = "link".into();
        }
        if let Some(source) = route.source {
            object["prefsrc"] = source.into();
        }
        if let Some(metric) = route.metric {
            object["metric"] = metric.into();
        }
        object
    });
    Json::Array(routes.collect()).to_string() + "\n"
}

fn links_json(kernel: &Kernel) -> String {
    let mut links: Vec<(&String, &Link)> = kernel.links.iter().collect();
    links.sort_by_key(|(_, link)| link.index);
    Json::Array(links.into_iter().map(|(name, link)| link_json(kernel, name, link)).collect()).to_string() + "\n"
}

fn link_json(kernel: &Kernel, name: &str, link: &Link) -> Json {
    let mut flags = vec!["BROADCAST", "MULTICAST"];
    if link.nature == Nature::Loopback {
        flags = vec!["LOOPBACK"];
    }
    if link.is_up && !kernel.has_carrier(name) {
        flags.insert(0, "NO-CARRIER");
    }
    if link.is_up {
        flags.push("UP");
        flags.extend(kernel.has_carrier(name).then_some("LOWER_UP"));
    }
    let held = |address: &Address| {
        let mut held = json!({
            "family": "inet",
            "local": address.net.addr().to_string(),
            "prefixlen": address.net.prefix_len(),
            "scope": if link.nature == Nature::Loopback { "host" } else { "global" },
            "label": name,
        });
        if address.is_leased {
            held["dynamic"] = true.into();
        }
        held
    };
    let mut object = json!({
        "ifindex": link.index,
        "ifname": name,
        "flags": flags,
        "mtu": link.mtu,
        "operstate": state(kernel, name, link),
        "link_type": if link.nature == Nature::Loopback { "loopback" } else { "ether" },
        "addr_info": link.addresses.iter().map(held).collect::<Vec<_>>(),
    });
    if let Some(master) = &link.master {
        object["master"] = master.as_str().into();
    }
    match &link.nature {
        Nature::Loopback => {}
        Nature::Port { mac, .. } => object["address"] = mac.as_str().into(),
        Nature::Vlan { id, parent } => {
            object["link"] = parent.as_str().into();
            let data = json!({ "protocol": "802.1Q", "id": id, "flags": ["REORDER_HDR"] });
            object["linkinfo"] = json!({ "info_kind": "vlan", "info_data": data });
        }
        Nature::Bridge { stp, forward_delay } => {
            let data = json!({ "forward_delay": forward_delay * 100, "stp_state": u8::from(*stp) });
            object["linkinfo"] = json!({ "info_kind": "bridge", "info_data": data });
        }
    }
    object
}

pub(super) fn ping(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-c", "1", "-W", _, "-I", device, address] = arguments else { return unknown("ping", arguments) };
    let Ok(address) = address.parse() else {
        return failed(2, format!("ping: {address}: Name or service not known"));
    };
    if !machine.kernel.links.contains_key(*device) {
        return failed(2, format!("ping: SO_BINDTODEVICE {device}: No such device"));
    }
    if machine.surroundings.answers(&machine.kernel, device, address) {
        machine.pass(2);
        return said(format!("1 packets transmitted, 1 received, 0% packet loss from {address}\n"));
    }
    machine.pass(NO_ANSWER);
    said("1 packets transmitted, 0 received, 100% packet loss\n").map(|output| Output { code: 1, ..output })
}

pub(super) fn netplan(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let (root, is_apply) = match arguments {
        ["generate"] => ("/", false),
        ["generate", "--root-dir", root] => (*root, false),
        ["apply"] => ("/", true),
        _ => return unknown("netplan", arguments),
    };
    let (configuration, remarks) = match netplan::read(&machine.files, root) {
        Ok(read) => read,
        Err(error) => return failed(if is_apply { 78 } else { 1 }, error),
    };
    if is_apply {
        if let Some(renderer) = configuration.other_renderer() {
            return Err(Gap::new(format!("netplan has no renderer `{renderer}`")));
        }
        machine.pass(NETPLAN_APPLY);
        configuration.bring_up(&mut machine.kernel, &machine.surroundings);
    }
    Ok(Output { stderr: remarks, ..Output::default() })
}
