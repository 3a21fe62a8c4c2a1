//! A control plane on a node: installed, running with the declared flags, configuration and version, and answering.

use crate::kinds::zfs::{Snapshots, no_snapshot};
use crate::kinds::{Body, Carries, Goal, Kind, Leaving, Leftover, Resource, Task, Work};
use crate::lab::{K0sVersion, Lab, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Difference, Value, digest};

use super::document;
use super::flags::Flags;
use super::program::{
    CONFIG, DATA, Role, Status, authority_ask, has_lived, is_there, journal_ask, journal_errors, ready, ready_ask,
    status, status_ask, unit, units_ask, upgrade_fault,
};
use super::{Seat, hostname_ask, run, seats};

/// What the API does when it is as it should be.
const ANSWERS: &str = "answers";

/// Attributes whose change restarts the process.
const TAKEN_AT_START: [&str; 4] = ["--enable-worker", "--kubelet-root-dir", "--single", "version"];

/// Declared keys of its configuration that the process does not tell of: the mark alone knows of those.
const UNTOLD: &str = "config_not_told";

/// That it was started after its configuration came to be as declared.
const RESTARTED: &str = "restarted";

/// `controllers` of `[clusters.NAME]`.
pub(in crate::kinds) struct Controllers;

impl Kind for Controllers {
    fn name(&self) -> &'static str {
        "k0s-controller"
    }

    fn about(&self) -> &'static str {
        "A control plane of k0s: its flags, version and configuration as the running process has them, and whether the API answers."
    }

    fn runs(&self) -> bool {
        true
    }

    fn carries(&self) -> Carries {
        Carries::Cluster
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        seats(lab).into_iter().filter(Seat::is_controller).map(|seat| resource(lab, seat)).collect()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn leftover(&self, _site: Site<'_>, _name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(Role::Controller))
    }
}

fn resource(lab: &Lab, seat: Seat) -> Resource {
    let snapshots = Snapshots::around(lab, &seat.node, DATA);
    let own = ["binary", "config"].map(|what| seat.at(seat.address(what)));
    Resource {
        address: seat.address("controller"),
        ground: seat.ground(),
        name: Role::Controller.unit().to_owned(),
        meta: seat.cluster.meta.clone(),
        needs: own.into_iter().chain(seat.host_needs()).collect(),
        planned_after: Vec::new(),
        body: Box::new(Wanted { seat, snapshots }),
    }
}

/// Whether an attribute is a key of the configuration.
fn is_config(attribute: &str) -> bool {
    attribute.starts_with("spec.")
}

fn is_taken_at_start(attribute: &str) -> bool {
    is_config(attribute) || TAKEN_AT_START.contains(&attribute)
}

#[derive(Debug)]
struct Wanted {
    seat: Seat,
    /// Those of the dataset in which its data lies, where it is declared.
    snapshots: Option<Snapshots>,
}

/// The flags that the process has, or will have once it is started.
fn flags(reply: &Reply, role: Role, status: Option<&Status>) -> Result<Flags, String> {
    match status {
        Some(status) => Ok(Flags::of_process(&status.args)),
        None => unit_flags(reply, role),
    }
}

/// The flags that the unit would give to a process.
pub(super) fn unit_flags(reply: &Reply, role: Role) -> Result<Flags, String> {
    use crate::observe::{Body, FileAnswer};
    match reply.file(&Ask::file(role.unit_path()))? {
        FileAnswer::Regular { body: Body::Bytes(bytes), .. } => Ok(Flags::of_unit(&String::from_utf8_lossy(bytes))),
        _ => Ok(Flags::default()),
    }
}

impl Wanted {
    /// The flags that are declared, those of them that have no value are not given.
    fn wanted(&self) -> Vec<(&'static str, Option<String>)> {
        let k0s = &self.seat.k0s;
        let yes = |is: bool| is.then(|| "true".to_owned());
        let mut flags = vec![
            ("config", Some(CONFIG.to_owned())),
            ("enable-worker", yes(k0s.controller_works() && !k0s.single)),
            ("single", yes(k0s.single)),
        ];
        flags.extend(k0s.kubelet_root.clone().map(|root| ("kubelet-root-dir", Some(root))));
        flags
    }

    /// Flags that act at the first start alone: where the declared taints leave out that of control planes, it must not
    /// get it.
    fn first(&self) -> Option<(&'static str, Option<String>)> {
        let is_tainted = self
            .seat
            .node
            .taints
            .iter()
            .flatten()
            .any(|taint| taint.starts_with("node-role.kubernetes.io/control-plane"));
        let works = self.seat.k0s.controller_works() && !self.seat.k0s.single;
        (works && !is_tainted).then(|| ("no-taints", Some("true".to_owned())))
    }

    /// The declared keys of the configuration as the process has them, and those that it doesn't tell of: the mark alone
    /// knows whether it was started with these.
    fn config(&self, status: Option<&Status>) -> Attributes {
        let running = status.map(|status| document::leaves(&status.cluster_config)).unwrap_or_default();
        let (mut told, mut untold) = (Attributes::new(), Vec::new());
        for (path, wanted) in document::leaves(&self.seat.k0s.config) {
            match running.get(&path).and_then(|value| document::seen(&path, &wanted, Some(value))) {
                Some(value) if value != wanted && document::is_secret(&path, &value) => {
                    told.insert(path, Value::Differs);
                }
                Some(value) => drop(told.insert(path, Value::Plain(value))),
                None => untold.push(path),
            }
        }
        if !untold.is_empty() {
            told.insert(UNTOLD.to_owned(), untold.into());
        }
        told
    }

    fn attributes(&self, reply: &Reply) -> Result<Option<Attributes>, String> {
        let unit = unit(reply, Role::Controller)?;
        if !is_there(&unit) {
            return Ok(None);
        }
        let status = status(reply)?.filter(|status| status.role == Role::Controller.word());
        let flags = flags(reply, Role::Controller, status.as_ref())?;
        let switch = |name: &str| flags.get(name).unwrap_or("false").to_owned();
        let mut attributes: Attributes = [
            ("enabled", Value::Plain(unit.enabled(true))),
            ("running", Value::Plain(unit.running(true))),
            ("--config", flags.get("config").unwrap_or(CONFIG).into()),
            ("--single", switch("single").into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if !self.seat.k0s.single {
            attributes.insert("--enable-worker".to_owned(), switch("enable-worker").into());
        }
        if let Some(root) = flags.get("kubelet-root-dir") {
            attributes.insert("--kubelet-root-dir".to_owned(), root.into());
        }
        if let Some(status) = &status {
            attributes.insert("version".to_owned(), status.version.as_str().into());
        }
        attributes.extend(self.config(status.as_ref()));
        if unit.is_active() {
            let api = if ready(reply)?.is_ok() { ANSWERS } else { "does not answer" };
            attributes.insert("api".to_owned(), api.into());
        }
        Ok(Some(attributes))
    }

    /// Why it can't be done, whatever is done.
    fn contradiction(&self, reply: &Reply) -> Result<Option<String>, String> {
        let (node, cluster) = (&self.seat.node.name, &self.seat.cluster.name);
        let other = Role::Controller.other();
        if is_there(&unit(reply, other)?) {
            return Ok(Some(format!(
                "{node} is a worker of k0s already ({}), and a host runs one k0s; take it out of its cluster first",
                other.unit()
            )));
        }
        let status = status(reply)?;
        let flags = flags(reply, Role::Controller, status.as_ref())?;
        if let Some(data) = flags.get("data-dir").filter(|data| data.trim_end_matches('/') != DATA) {
            return Ok(Some(format!("k0s on {node} keeps its data in `{data}`, and labctl knows `{DATA}` alone")));
        }
        if let Some(config) = flags.get("config").filter(|config| *config != CONFIG) {
            return Ok(Some(format!(
                "k0s on {node} reads `{config}`; move that to `{CONFIG}` and give k0s that flag, so that nothing in it is lost"
            )));
        }
        if self.seat.k0s.controller_works()
            && let Some(why) = self.seat.name_fault(reply)?
        {
            return Ok(Some(why));
        }
        let running = status.and_then(|status| status.version.parse().ok());
        if let (Some(running), Some(version)) = (running, self.seat.k0s.version)
            && let Some(why) = upgrade_fault(running, version)
        {
            return Ok(Some(format!("cluster `{cluster}`: {why}")));
        }
        Ok(None)
    }

    fn todo(&self, task: &Task<'_>) -> Result<Work, String> {
        let (goal, reply) = (&task.goal, task.reply);
        if let Some(why) = self.contradiction(reply)? {
            return Ok(Work::refused(why));
        }
        let mut work = Work::default();
        let within = self.seat.k0s.ready_within;
        let Goal::Update { differences, .. } = goal else {
            if has_lived(reply)? {
                work.notes.push(format!("a cluster has lived here: k0s goes on with what is in {DATA}"));
            }
            let flags: Vec<_> = self.wanted().into_iter().chain(self.first()).collect();
            work.steps = vec![
                run::install(Role::Controller, &Flags::default().with(&flags), false),
                run::start(),
                run::ready(within),
            ];
            return Ok(work);
        };
        let differs =
            |names: &[&str]| differences.iter().any(|difference| names.contains(&difference.attribute.as_str()));
        let unit = unit(reply, Role::Controller)?;
        if differs(&["--enable-worker", "--kubelet-root-dir", "--single", "--config"]) {
            // What nobody declared stays: the process has it, or the unit where there is no process.
            let status = status(reply)?;
            let flags = flags(reply, Role::Controller, status.as_ref())?.with(&self.wanted());
            work.steps.push(run::install(Role::Controller, &flags, true));
        } else if differs(&["enabled"]) {
            work.steps.push(run::enable(Role::Controller));
        }
        let is_stale =
            differences.iter().any(|difference| is_taken_at_start(&difference.attribute)) || differs(&[RESTARTED]);
        let is_upgrade = self.is_upgrade(reply);
        if is_upgrade {
            self.snapshot(task, &mut work);
        }
        if unit.is_active() && is_stale {
            work.steps.push(run::restart(Role::Controller));
            work.disruption = Some(self.restarts());
        } else if !unit.is_active() {
            work.steps.push(run::start());
        }
        work.steps.push(run::ready(within));
        if let Some(snapshots) = self.snapshots.as_ref().filter(|_| is_upgrade) {
            let (steps, notes) = snapshots.prune(task.reply);
            work.steps.extend(steps);
            work.notes.extend(notes);
        }
        Ok(work)
    }

    /// Whether a process runs that is of another version than the declared one.
    fn is_upgrade(&self, reply: &Reply) -> bool {
        let status = status(reply).ok().flatten();
        let running: Option<K0sVersion> = status.and_then(|status| status.version.parse().ok());
        running.zip(self.seat.k0s.version).is_some_and(|(running, wanted)| running != wanted)
    }

    /// A new version changes the form of what etcd holds when it starts.
    fn snapshot(&self, task: &Task<'_>, work: &mut Work) {
        match &self.snapshots {
            Some(snapshots) => work.steps.push(snapshots.take(&task.mark.address)),
            None => work.notes.push(no_snapshot(DATA)),
        }
    }

    /// What a restart interrupts.
    fn restarts(&self) -> String {
        let works = if self.seat.k0s.controller_works() { " and the kubelet" } else { "" };
        format!(
            "restarts the control plane{works} of `{}` on {}: its API is away for a while, pods run on",
            self.seat.cluster.name, self.seat.node.name
        )
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let unit = Ask::file(Role::Controller.unit_path());
        vec![units_ask(), unit, status_ask(), ready_ask(), authority_ask(), hostname_ask()]
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        let is_up = unit(reply, Role::Controller).is_ok_and(|unit| is_there(&unit) && unit.active != "inactive");
        let is_silent = matches!(ready(reply), Ok(Err(_)));
        let journal = (is_up && is_silent).then(|| journal_ask(Role::Controller));
        let snapshots = self.snapshots.iter().filter(|_| self.is_upgrade(reply)).flat_map(Snapshots::asks);
        journal.into_iter().chain(snapshots).collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match self.attributes(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(None) => Observation::Absent,
            Ok(Some(attributes)) => Observation::Present(attributes),
        }
    }

    fn desired(&self) -> Attributes {
        let k0s = &self.seat.k0s;
        let switch = |is: bool| Value::from(if is { "true" } else { "false" });
        let worker = (!k0s.single).then(|| switch(k0s.controller_works()));
        [
            ("enabled", Some(true.into())),
            ("running", Some(true.into())),
            ("api", Some(ANSWERS.into())),
            ("--config", Some(CONFIG.into())),
            ("--single", Some(switch(k0s.single))),
            ("--enable-worker", worker),
            ("--kubelet-root-dir", k0s.kubelet_root.as_deref().map(Value::from)),
            ("version", k0s.version.map(|version| version.to_string().into())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .chain(document::leaves(&k0s.config).into_iter().map(|(path, value)| (path, Value::Plain(value))))
        .collect()
    }

    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        let mut found = crate::plan::differences(&self.desired(), observed);
        // What only a process can tell is not known to differ where there is none, or none that answers yet.
        found.retain(|difference| {
            let name = difference.attribute.as_str();
            difference.before.is_some() || !(is_config(name) || ["version", "api"].contains(&name))
        });
        found
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        let mut remarks = Vec::new();
        let status = status(reply).ok().flatten();
        if let Ok(flags) = flags(reply, Role::Controller, status.as_ref()) {
            let desired = self.desired();
            let mut names: Vec<&str> = desired.keys().filter_map(|name| name.strip_prefix("--")).collect();
            names.extend(self.first().map(|(name, _)| name));
            let others = flags.without(&names).words();
            if !others.is_empty() {
                remarks.push(format!("flags that are not declared, and stay: {}", others.join(" ")));
            }
        }
        remarks.extend(journal_errors(reply, Role::Controller).into_iter().map(|line| format!("its journal: {line}")));
        remarks
    }

    fn inputs(&self) -> Option<String> {
        Some(digest(&self.seat.k0s.config))
    }

    fn outdated(&self, observed: &Attributes, found: &[Difference]) -> Option<Difference> {
        let runs = observed.get("running") == Some(&true.into());
        let may_lack = observed.contains_key(UNTOLD);
        let is_restarted = found.iter().any(|difference| is_taken_at_start(&difference.attribute));
        (runs && may_lack && !is_restarted).then(|| Difference {
            attribute: RESTARTED.to_owned(),
            before: Some(false.into()),
            after: Some(true.into()),
            note: Some("it may not have been started with its new configuration".to_owned()),
        })
    }

    fn foresee(&self, differences: &[Difference]) -> Work {
        let is_stale = differences.iter().any(|difference| is_taken_at_start(&difference.attribute));
        Work { disruption: is_stale.then(|| self.restarts()), ..Work::default() }
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(task).unwrap_or_else(Work::refused)
    }
}

/// A k0s that left `homelab.toml`: it is a cluster, or a part of one.
#[derive(Debug)]
pub(super) struct Gone(pub(super) Role);

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![units_ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match unit(reply, self.0) {
            Err(why) => Observation::Unknown(why),
            Ok(unit) if !is_there(&unit) => Observation::Absent,
            Ok(unit) => Observation::Present([("running".to_owned(), Value::Plain(unit.running(true)))].into()),
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::refused("labctl never takes a k0s down")
    }

    fn by_hand(&self) -> String {
        "k0s stop && k0s reset".to_owned()
    }
}
