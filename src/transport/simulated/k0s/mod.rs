//! k0s on a simulated node: its process, what it writes as time passes, and what its control plane knows.
//!
//! A process is what systemd's unit has started; it has the flags and the configuration of that moment, whatever stands
//! in the files by now. What needs two nodes (who joins whom) is settled by [`world`].

mod world;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::machine::Machine;
use crate::lab::K0sVersion;

pub(super) use world::settle_clusters;

/// Where its binary lies.
pub(super) const PROGRAM: &str = "/usr/local/bin/k0s";
/// Its configuration where no flag names another.
pub(super) const CONFIG: &str = "/etc/k0s/k0s.yaml";
/// The CA of a control plane, and of what has joined one.
pub(super) const CA: &str = "/var/lib/k0s/pki/ca.crt";
pub(super) const ADMIN: &str = "/var/lib/k0s/pki/admin.conf";
pub(super) const KUBELET: &str = "/var/lib/k0s/kubelet.conf";

/// The units of its two roles.
pub(super) const UNITS: [(&str, &str); 2] = [("controller", "k0scontroller.service"), ("worker", "k0sworker.service")];

/// Milliseconds from the start of a process until it answers `k0s status`, has its CA, serves the API, has registered its
/// node, and that is Ready.
const STATUS: u64 = 2_000;
const PKI: u64 = 5_000;
const API: u64 = 20_000;
const REGISTERED: u64 = 30_000;
const READY: u64 = 45_000;
/// Milliseconds until a worker that was let in has its own credentials, and until it is Ready then.
const JOIN: u64 = 10_000;
const WORKER_READY: u64 = 15_000;

/// What k0s is on a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct K0s {
    /// What runs.
    pub(super) process: Option<Process>,
    /// The tokens of a control plane.
    pub(super) tokens: Vec<Token>,
    /// The nodes that a control plane knows.
    pub(super) nodes: BTreeMap<String, Member>,
    /// The component that does not stay up.
    pub(super) crashing: Option<String>,
    /// How often a control plane was made here.
    made: u64,
}

/// A process of k0s.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) role: String,
    pub(super) args: Vec<String>,
    pub(super) version: String,
    /// What it was started with.
    pub(super) config: Json,
    /// What it was given to join with.
    token: Option<String>,
    /// The CA and the address of the control plane that has let it in.
    let_in: Option<(String, String)>,
    /// Milliseconds of the node's clock.
    since: u64,
    /// Which start of its unit it is of.
    start: u64,
}

/// A join token of a control plane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) role: String,
    /// The whole token.
    pub(super) text: String,
    /// Milliseconds of the node's clock; for ever where absent.
    pub(super) until: Option<u64>,
}

/// A node as a control plane knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) is_ready: bool,
    /// When its kubelet is well: milliseconds of the control plane's clock; nothing where it is not heard of.
    ready_at: Option<u64>,
    pub(super) version: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Key, value and effect.
    pub(super) taints: Vec<(String, String, String)>,
    pub(super) is_cordoned: bool,
}

impl Process {
    /// The value of a flag, as `k0s install` writes them.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        self.args.iter().find_map(|word| word.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='))
    }

    fn has(&self, name: &str) -> bool {
        self.flag(name) == Some("true")
    }

    /// Whether it has a kubelet.
    pub(super) fn works(&self) -> bool {
        self.role == "worker" || self.has("enable-worker") || self.has("single")
    }
}

impl Member {
    fn new(name: &str, version: &str) -> Self {
        let labels = [("kubernetes.io/hostname", name), ("kubernetes.io/arch", "amd64"), ("kubernetes.io/os", "linux")];
        Self {
            is_ready: false,
            ready_at: None,
            version: version.to_owned(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            taints: Vec::new(),
            is_cordoned: false,
        }
    }
}

/// The version that stands in a binary; nothing where it is none.
pub(super) fn version_in(bytes: &[u8]) -> Option<K0sVersion> {
    let text = String::from_utf8_lossy(bytes);
    text.split(|c: char| c.is_whitespace() || "\"'=/".contains(c)).find_map(|word| word.strip_prefix('v')?.parse().ok())
}

/// What a binary of a version is in the simulation.
pub(super) fn binary(version: K0sVersion) -> String {
    format!("the simulated k0s {version}\n")
}

/// Lets happen what the time that has passed and systemd's units bring about on the node itself.
pub(super) fn settle(machine: &mut Machine) {
    let running = UNITS.iter().find(|(_, unit)| machine.units.active(unit) == "active");
    let Some((role, unit)) = running else {
        machine.k0s.process = None;
        return;
    };
    let start = machine.units.starts(unit);
    if machine.k0s.process.as_ref().is_none_or(|process| process.start != start || process.role != *role) {
        machine.k0s.process = begin(machine, role, unit, start);
    }
    let Some(process) = machine.k0s.process.clone() else { return };
    let age = machine.clock.now().saturating_sub(process.since);
    if process.role == "worker" {
        if let Some((authority, server)) = process.let_in.filter(|_| age >= JOIN && !machine.files.exists(KUBELET)) {
            machine.files.write(CA, authority.clone(), 0o644);
            machine.files.write(KUBELET, kubeconfig(&authority, &server), 0o600);
        }
        return;
    }
    if age >= PKI && !machine.files.exists(CA) {
        machine.k0s.made += 1;
        let number = crate::plan::digest(&(&machine.name, machine.k0s.made));
        machine.files.write(CA, format!("-----BEGIN CERTIFICATE-----\n{number}\n-----END CERTIFICATE-----\n"), 0o644);
        machine.k0s.nodes.clear();
        machine.k0s.tokens.clear();
    }
    if age >= PKI && !machine.files.exists(ADMIN) {
        let authority = machine.files.text(CA).unwrap_or_default();
        machine.files.write(ADMIN, kubeconfig(&authority, "https://localhost:6443"), 0o600);
    }
    let name = machine.hostname().to_lowercase();
    if is_serving(machine) && process.works() && age >= REGISTERED {
        let is_new = !machine.k0s.nodes.contains_key(&name);
        let member = machine.k0s.nodes.entry(name.clone()).or_insert_with(|| Member::new(&name, &process.version));
        if is_new && !process.has("no-taints") && !process.has("single") {
            let taint = ("node-role.kubernetes.io/control-plane".to_owned(), String::new(), "NoSchedule".to_owned());
            member.taints.push(taint);
        }
        member.version.clone_from(&process.version);
        member.ready_at = Some(process.since + READY);
    }
    let now = machine.clock.now();
    for member in machine.k0s.nodes.values_mut() {
        member.is_ready = member.ready_at.is_some_and(|at| now >= at);
    }
}

fn begin(machine: &Machine, role: &str, unit: &str, start: u64) -> Option<Process> {
    let text = machine.units.text_of(unit)?;
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let args: Vec<String> = line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect();
    let version = version_in(machine.files.read(PROGRAM)?)?.to_string();
    let mut process = Process {
        role: role.to_owned(),
        args,
        version,
        config: Json::Null,
        token: None,
        let_in: None,
        since: machine.clock.now(),
        start,
    };
    if role == "controller" {
        process.config = started_with(machine, process.flag("config").unwrap_or(CONFIG));
    } else if !machine.files.exists(KUBELET) {
        process.token = process.flag("token-file").and_then(|path| machine.files.text(path));
    }
    Some(process)
}

/// A configuration with what k0s takes where nothing is said.
fn started_with(machine: &Machine, path: &str) -> Json {
    let mut config: Json = machine
        .files
        .text(path)
        .and_then(|text| serde_saphyr::from_str(&text).ok())
        .unwrap_or_else(|| json!({ "spec": {} }));
    for (above, key, value) in [
        ("network", "provider", "kuberouter"),
        ("network", "podCIDR", "10.244.0.0/16"),
        ("network", "serviceCIDR", "10.96.0.0/12"),
        ("storage", "type", "etcd"),
    ] {
        let within = &mut config["spec"][above];
        if within.get(key).is_none() {
            within[key] = value.into();
        }
    }
    config
}

fn kubeconfig(authority: &str, server: &str) -> String {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(authority);
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    certificate-authority-data: {data}\n    \
         server: {server}\n"
    )
}

/// Whether `k0s status` is answered.
pub(super) fn has_status(machine: &Machine) -> bool {
    age(machine).is_some_and(|age| age >= STATUS)
}

/// Whether the node's API is served.
pub(super) fn is_serving(machine: &Machine) -> bool {
    let is_controller = machine.k0s.process.as_ref().is_some_and(|process| process.role == "controller");
    is_controller && machine.k0s.crashing.is_none() && age(machine).is_some_and(|age| age >= API)
}

fn age(machine: &Machine) -> Option<u64> {
    Some(machine.clock.now().saturating_sub(machine.k0s.process.as_ref()?.since))
}

/// What its unit has said last.
pub(super) fn journal(machine: &Machine, unit: &str) -> String {
    let Some((role, _)) = UNITS.iter().find(|(_, known)| *known == unit) else { return String::new() };
    let Some(process) = machine.k0s.process.as_ref().filter(|process| process.role == *role) else {
        return String::new();
    };
    if let Some(component) = &machine.k0s.crashing {
        return format!(
            "level=error msg=\"{component} ended with exit status 1\" component={component}\nlevel=warning msg=\"Process \
             terminated unexpectedly (exit status 1), respawning in 5s\" component={component}\n"
        );
    }
    if *role == "worker" && process.let_in.is_none() && !machine.files.exists(KUBELET) {
        return "level=error msg=\"failed to bootstrap: the token is not valid\" component=kubelet\n".to_owned();
    }
    String::new()
}

/// What tells one state of k0s from another.
pub(super) fn dump(machine: &Machine) -> Vec<(String, String)> {
    let process = machine.k0s.process.iter().map(|process| {
        let state = format!("{} {} {}", process.version, process.args.join(" "), process.config);
        (format!("k0s {}", process.role), state)
    });
    let member = |(name, member): (&String, &Member)| {
        let member = Member { ready_at: None, ..member.clone() };
        (format!("k0s node {name}"), format!("{member:?}"))
    };
    process.chain(machine.k0s.nodes.iter().map(member)).collect()
}

/// The taints of a node, as the API has them.
pub(super) fn taints(member: &Member) -> Json {
    let taint = |(key, value, effect): &(String, String, String)| match value.as_str() {
        "" => json!({ "key": key, "effect": effect }),
        value => json!({ "key": key, "value": value, "effect": effect }),
    };
    member.taints.iter().map(taint).collect()
}

/// The conditions of a node, as the API has them.
pub(super) fn conditions(member: &Member) -> Json {
    let (status, reason, message) = if member.is_ready {
        ("True", "KubeletReady", "kubelet is posting ready status")
    } else {
        ("False", "KubeletNotReady", "container runtime network not ready: cni plugin not initialized")
    };
    json!([{ "type": "Ready", "status": status, "reason": reason, "message": message }])
}
