//! A node whose `ip` answered as in `fixtures/` (Debian 13's iproute2, eth1 with two VLANs and a bridge), with netplan
//! files and drift made up around it.

mod change;
mod observed;
mod survey;

use super::netplan::OWN;
use super::*;
use crate::config::Sources;
use crate::kinds::{Goal, Task};
use crate::lab::load;
use crate::observe::{Answer, Body, FileAnswer, Output, Stat};
use crate::plan::{Act, Attributes, Difference, Mark, Obstacle, Origin, Value};

const LINKS: &str = include_str!("../fixtures/links.json");
const ROUTES: &str = include_str!("../fixtures/routes.json");

const QUIET: &str = "labctl-put-back.timer inactive\nlabctl-put-back.service inactive\nuptime 100\ntool netplan\n\
                     tool ping\ntool systemd-run\n";

const VLANS: &str = r#"
[lab]
name = "mobius"
[vlans]
services = { id = 4, subnet = "192.168.4.0/24", gateway = "192.168.4.1" }
vips = { id = 8, subnet = "192.168.8.0/24", gateway = "192.168.8.1" }
iot = { id = 64, subnet = "192.168.64.0/20", gateway = "192.168.64.1" }
[nodes.n5]
address = "192.168.4.5"
"#;

/// The network that the fixtures show, declared.
const DECLARED: &str = r#"
[nodes.n5.network.eth1]
native = "services"
default_route = false
resolvers = ["192.168.4.53"]
tagged = { vips = "192.168.8.254", iot = { bridge = "bridge64", address = "192.168.64.3" } }
"#;

/// The same in a file of somebody else's.
const BY_HAND: &str = "
network:
  version: 2
  ethernets:
    eth0: {addresses: [10.0.2.15/24], routes: [{to: default, via: 10.0.2.2}]}
    eth1: {dhcp4: no, addresses: [192.168.4.5/24], nameservers: {addresses: [192.168.4.53]}}
  vlans:
    eth1.8: {id: 8, link: eth1, addresses: [192.168.8.254/24]}
    eth1.64: {id: 64, link: eth1}
  bridges:
    bridge64: {interfaces: [eth1.64], addresses: [192.168.64.3/20], parameters: {stp: no, forward-delay: 0s}}
";

struct Host {
    links: String,
    routes: String,
    state: String,
    files: Vec<(&'static str, String, String)>,
}

impl Host {
    fn new() -> Self {
        Self { links: LINKS.to_owned(), routes: ROUTES.to_owned(), state: QUIET.to_owned(), files: Vec::new() }
    }

    /// With labctl's own file as it writes it.
    fn applied(toml: &str) -> Self {
        let text = file(&work(toml, &Self::new().with("/etc/netplan", "60-labctl.yaml", "network: {version: 2}")));
        Self::new().with("/etc/netplan", OWN, &text)
    }

    fn with(mut self, folder: &'static str, name: &str, text: &str) -> Self {
        self.files.push((folder, name.to_owned(), text.to_owned()));
        self
    }

    /// `ip -j` says something else.
    fn but(mut self, from: &str, to: &str) -> Self {
        assert!(self.links.contains(from) || self.routes.contains(from), "{from}");
        self.links = self.links.replace(from, to);
        self.routes = self.routes.replace(from, to);
        self
    }

    /// The kernel has no such device.
    fn without(mut self, device: &str) -> Self {
        let links: Vec<serde_json::Value> = serde_json::from_str(&self.links).unwrap();
        let links: Vec<_> = links.into_iter().filter(|link| link["ifname"] != device).collect();
        self.links = serde_json::to_string(&links).unwrap();
        self
    }

    fn reply(&self) -> Reply {
        self.reply_to(DECLARED)
    }

    /// To what is asked for these tables.
    fn reply_to(&self, toml: &str) -> Reply {
        let output = |text: &str| Answer::Output(Output { stdout: text.as_bytes().to_vec(), ..Output::default() });
        let answer = |ask: &Ask| match ask {
            Ask::Run(argv) if argv[0] == "ip" && argv.contains(&"addr".to_owned()) => output(&self.links),
            Ask::Run(argv) if argv[0] == "ip" => output(&self.routes),
            Ask::Run(argv) if argv[2].contains("tool %s") => output(&self.state),
            Ask::Run(_) => output("eth1 UP 192.168.4.5/24\n"),
            Ask::Folder { path, suffix } => Answer::Folder(
                self.files
                    .iter()
                    .filter(|(folder, name, _)| folder == path && name.ends_with(suffix))
                    .map(|(_, name, text)| (name.clone(), regular(text)))
                    .collect(),
            ),
            other => panic!("{other:?}"),
        };
        let mut asks = seen::asks();
        asks.extend(declared(VLANS, toml).body.asks());
        asks.into_iter().map(|ask| (ask.clone(), answer(&ask))).collect()
    }
}

fn regular(text: &str) -> FileAnswer {
    let stat = Stat {
        mode: 0o600,
        owner: "root".into(),
        group: "root".into(),
        length: text.len() as u64,
        state: format!("state-{}", text.len()),
    };
    FileAnswer::Regular { stat, body: Body::Bytes(text.into()) }
}

fn lab(head: &str, toml: &str) -> Lab {
    let loaded = load(&Sources::memory([("homelab.toml", &format!("{head}{toml}") as &str)]));
    let faults: Vec<String> = loaded.diagnostics.into_iter().map(|fault| fault.summary).collect();
    loaded.lab.unwrap_or_else(|| panic!("{faults:?}"))
}

fn declared(head: &str, toml: &str) -> Resource {
    Networks.declare(&lab(head, toml)).remove(0)
}

fn observed(toml: &str, host: &Host) -> Attributes {
    match declared(VLANS, toml).body.observe(&host.reply()) {
        Observation::Present(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// Differences, `attribute: before -> after`.
fn differences(toml: &str, host: &Host) -> Vec<String> {
    let value = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::Plain(json)) => json.to_string(),
        Some(other) => format!("{other:?}"),
    };
    let line = |d: Difference| format!("{}: {} -> {}", d.attribute, value(&d.before), value(&d.after));
    declared(VLANS, toml).body.compare(&observed(toml, host), &host.reply()).into_iter().map(line).collect()
}

fn work(toml: &str, host: &Host) -> Work {
    let resource = declared(VLANS, toml);
    let desired = resource.body.desired();
    let mark = Mark::new("mobius", &resource.address, Origin::Made, &desired);
    resource.body.work(&Task { goal: Goal::Create, mark: &mark, reply: &host.reply_to(toml) })
}

fn refusal(toml: &str, host: &Host) -> String {
    match work(toml, host).obstacle {
        Some(Obstacle::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn put(work: &Work, end: &str) -> String {
    let text = work.steps.iter().find_map(|step| match &step.act {
        Act::Put { path, content, .. } if path.ends_with(end) => content.as_text(),
        _ => None,
    });
    text.unwrap_or_default().to_owned()
}

fn file(work: &Work) -> String {
    put(work, "/etc/netplan/60-labctl.yaml")
}

fn facts(work: &Work, fact: &str) -> Vec<String> {
    put(work, "/facts")
        .lines()
        .filter_map(|line| line.strip_prefix(fact)?.strip_prefix(' '))
        .map(str::to_owned)
        .collect()
}

const REPLACES: &str = "[nodes.n5.network]\nreplaces = [\"01-netcfg.yaml\"]\n";
const ETH0: &str = r#"
[nodes.n5.network.eth0]
native = "management"
address = "10.0.2.15"
routes = [{ to = "0.0.0.0/0", via = "10.0.2.2" }]
[vlans.management]
id = 2
subnet = "10.0.2.0/24"
"#;
