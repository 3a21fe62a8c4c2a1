//! A worker on a node: installed, joined to its cluster, running with the declared flags and version.
//!
//! Which cluster it belongs to says the CA in its kubelet's kubeconfig, held against that of the controller. A worker of
//! another cluster is left alone, whatever the file says: only `k0s reset` would free it, and that destroys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kinds::{Body, Carries, Goal, Kind, Leaving, Leftover, Resource, Task, Work};
use crate::lab::{Content, Lab, Mode, Part, Site};
use crate::observe::{Ask, FileAnswer, Observation, Reply};
use crate::plan::{Act, Attributes, Difference, Step, Value};

use super::controller::{Gone, unit_flags};
use super::flags::Flags;
use super::program::{DATA, PROGRAM, Role, is_there, journal_ask, journal_errors, status, status_ask, unit, units_ask};
use super::{Seat, hostname_ask, run, seats};

/// Where the token lies while the worker joins: in memory, for root alone.
const TOKEN: &str = "/run/labctl/k0s-token";
/// How long it is good for.
const TOKEN_LIFE: &str = "15m";
/// The kubelet's credentials: there once it has joined. From then on k0s needs no token.
const KUBELET: &str = "/var/lib/k0s/kubelet.conf";

/// Attributes whose change restarts the process.
const TAKEN_AT_START: [&str; 2] = ["--kubelet-root-dir", "version"];

/// `workers` of `[clusters.NAME]`.
pub(in crate::kinds) struct Workers;

impl Kind for Workers {
    fn name(&self) -> &'static str {
        "k0s-worker"
    }

    fn about(&self) -> &'static str {
        "A worker of k0s: the cluster that it has joined, its flags and its version as the running process has them."
    }

    fn runs(&self) -> bool {
        true
    }

    fn carries(&self) -> Carries {
        Carries::Cluster
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        seats(lab).into_iter().filter(|seat| !seat.is_controller()).map(resource).collect()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn leftover(&self, _site: Site<'_>, _name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(Role::Worker))
    }
}

fn resource(seat: Seat) -> Resource {
    let controller = super::address(&seat.cluster, "controller", &seat.k0s.controller.value);
    let own = [seat.address("binary"), controller].map(|address| seat.at(address));
    Resource {
        address: seat.address("worker"),
        ground: seat.ground(),
        name: Role::Worker.unit().to_owned(),
        meta: seat.cluster.meta.clone(),
        needs: own.into_iter().chain(seat.host_needs()).collect(),
        planned_after: Vec::new(),
        body: Box::new(Wanted(seat)),
    }
}

#[derive(Debug)]
struct Wanted(Seat);

/// To which cluster the node belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Joined {
    /// To none.
    No,
    /// To the one that is declared.
    Here,
    /// To another one: where its API is.
    Elsewhere(String),
}

/// Server and CA of the kubelet's cluster; its credentials are not read.
fn kubelet_ask() -> Ask {
    Ask::run(["grep", "-E", "server: |certificate-authority-data: ", KUBELET])
}

fn token_ask() -> Ask {
    Ask::File { path: TOKEN.to_owned(), limit: 0 }
}

fn kubelet_file_ask() -> Ask {
    Ask::File { path: KUBELET.to_owned(), limit: 0 }
}

impl Wanted {
    /// The CA of the cluster, as its controller has it.
    fn authority_ask(&self) -> Ask {
        Ask::run(["cat", &format!("{DATA}/pki/ca.crt")]).of(self.0.controller_ground())
    }

    fn joined(&self, reply: &Reply) -> Result<Joined, String> {
        if matches!(reply.file(&kubelet_file_ask())?, FileAnswer::Absent) {
            return Ok(Joined::No);
        }
        let output = reply.output(&kubelet_ask())?;
        let text = output.text().into_owned();
        let of = |key: &str| {
            text.lines().find_map(|line| line.trim().strip_prefix(key)?.trim().strip_prefix(':')).map(str::trim)
        };
        let (Some(server), Some(data)) = (of("server"), of("certificate-authority-data")) else {
            return Err(format!("`{KUBELET}` names no cluster: {}", output.complaint()));
        };
        let own = STANDARD.decode(data).map_err(|_| format!("the CA in `{KUBELET}` is no base64"))?;
        let controller = reply.output(&self.authority_ask())?;
        if controller.code != 0 {
            // No cluster lives there: whatever this node is joined to, it is another one.
            let gone = controller.stderr.contains("No such file or directory");
            return if gone { Ok(Joined::Elsewhere(server.to_owned())) } else { Err(controller.complaint()) };
        }
        let trim = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let is_same = trim(&own) == trim(&controller.stdout);
        Ok(if is_same { Joined::Here } else { Joined::Elsewhere(server.to_owned()) })
    }

    fn flags(reply: &Reply) -> Result<Flags, String> {
        match status(reply)?.filter(|status| status.role == Role::Worker.word()) {
            Some(status) => Ok(Flags::of_process(&status.args)),
            None => unit_flags(reply, Role::Worker),
        }
    }

    fn wanted(&self) -> Vec<(&'static str, Option<String>)> {
        self.0.k0s.kubelet_root.clone().map(|root| ("kubelet-root-dir", Some(root))).into_iter().collect()
    }

    fn attributes(&self, reply: &Reply) -> Result<Option<Attributes>, String> {
        let unit = unit(reply, Role::Worker)?;
        let joined = self.joined(reply)?;
        if !is_there(&unit) && !matches!(joined, Joined::Elsewhere(_)) {
            return Ok(None);
        }
        let cluster = match &joined {
            Joined::No => "none".to_owned(),
            Joined::Here => self.0.cluster.name.clone(),
            Joined::Elsewhere(server) => format!("another one, at {server}"),
        };
        let mut attributes: Attributes = [
            ("cluster", Value::from(cluster)),
            ("enabled", Value::Plain(unit.enabled(true))),
            ("running", Value::Plain(unit.running(true))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(root) = Self::flags(reply)?.get("kubelet-root-dir") {
            attributes.insert("--kubelet-root-dir".to_owned(), root.into());
        }
        if let Some(status) = status(reply)? {
            attributes.insert("version".to_owned(), status.version.as_str().into());
        }
        let token = if matches!(reply.file(&token_ask())?, FileAnswer::Absent) { "none" } else { "left behind" };
        attributes.insert("token".to_owned(), token.into());
        Ok(Some(attributes))
    }

    fn contradiction(&self, reply: &Reply) -> Result<Option<String>, String> {
        let node = &self.0.node.name;
        if is_there(&unit(reply, Role::Controller)?) {
            return Ok(Some(format!(
                "{node} is a control plane of k0s already ({}), and a host runs one k0s; take that down first, or name \
                 another node",
                Role::Controller.unit()
            )));
        }
        if let Joined::Elsewhere(server) = self.joined(reply)? {
            return Ok(Some(format!(
                "{node} belongs to another cluster, at {server}; labctl never takes a worker out of its cluster. If it is \
                 to leave that one for good: drain it there, then `k0s stop && k0s reset` on {node}"
            )));
        }
        self.0.name_fault(reply)
    }

    /// The steps with which it joins. The token is made at that moment, and lies in memory until it has joined.
    fn join(&self, flags: &Flags, again: bool, reply: &Reply) -> Vec<Step> {
        let cluster = &self.0.cluster.name;
        let argv = [PROGRAM, "token", "create", "--role", "worker", "--expiry", TOKEN_LIFE].map(str::to_owned).to_vec();
        let content = Content::Parts(vec![Part::Output { ground: self.0.controller_ground(), argv }]);
        let put = Act::Put {
            path: TOKEN.to_owned(),
            content,
            mode: Some(Mode(0o600)),
            owner: Some("root".to_owned()),
            group: Some("root".to_owned()),
        };
        let is_up = unit(reply, Role::Worker).is_ok_and(|unit| unit.is_active());
        let flags = flags.with(&[("token-file", Some(TOKEN.to_owned()))]);
        vec![
            Step::new(format!("take a token of {TOKEN_LIFE} from the control plane of {cluster}"), put),
            run::install(Role::Worker, &flags, again),
            if is_up { run::restart(Role::Worker) } else { run::start() },
            run::wait(
                format!("wait until it has joined {cluster}"),
                include_str!("joined.sh"),
                &[KUBELET, Role::Worker.unit()],
                self.0.k0s.ready_within,
            ),
            forget_token(),
        ]
    }

    fn todo(&self, goal: &Goal<'_>, reply: &Reply) -> Result<Work, String> {
        if let Some(why) = self.contradiction(reply)? {
            return Ok(Work::refused(why));
        }
        let (joined, unit) = (self.joined(reply)?, unit(reply, Role::Worker)?);
        let flags = Self::flags(reply)?.with(&self.wanted());
        let mut work = Work::default();
        let differs = |names: &[&str]| match goal {
            Goal::Create => false,
            Goal::Update { differences, .. } => {
                differences.iter().any(|difference| names.contains(&difference.attribute.as_str()))
            }
        };
        if joined == Joined::No {
            work.steps = self.join(&flags, is_there(&unit), reply);
            work.put_back = vec![forget_token()];
            work.tidies = true;
            return Ok(work);
        }
        if !is_there(&unit) || differs(&["--kubelet-root-dir"]) {
            work.steps.push(run::install(Role::Worker, &flags, is_there(&unit)));
        } else if differs(&["enabled"]) {
            work.steps.push(run::enable(Role::Worker));
        }
        if unit.is_active() && differs(&TAKEN_AT_START) {
            work.steps.push(run::restart(Role::Worker));
            work.disruption = Some(self.restarts());
        } else if !unit.is_active() {
            work.steps.push(run::start());
        }
        if differs(&["token"]) {
            work.steps.push(forget_token());
        }
        Ok(work)
    }

    /// What a restart interrupts.
    fn restarts(&self) -> String {
        let (node, cluster) = (&self.0.node.name, &self.0.cluster.name);
        format!("restarts the kubelet of {node} in `{cluster}`: its pods run on")
    }
}

fn forget_token() -> Step {
    Step::new("forget the token", Act::Remove { path: TOKEN.to_owned() })
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let unit = Ask::file(Role::Worker.unit_path());
        let own = [units_ask(), unit, status_ask(), hostname_ask(), kubelet_file_ask(), kubelet_ask(), token_ask()];
        own.into_iter().chain([self.authority_ask()]).collect()
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        let unit = unit(reply, Role::Worker);
        let has_failed = unit.is_ok_and(|unit| is_there(&unit) && !unit.is_active() && unit.active != "inactive");
        has_failed.then(|| journal_ask(Role::Worker)).into_iter().collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match self.attributes(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(None) => Observation::Absent,
            Ok(Some(attributes)) => Observation::Present(attributes),
        }
    }

    fn desired(&self) -> Attributes {
        let k0s = &self.0.k0s;
        [
            ("cluster", Some(self.0.cluster.name.as_str().into())),
            ("enabled", Some(true.into())),
            ("running", Some(true.into())),
            ("--kubelet-root-dir", k0s.kubelet_root.as_deref().map(Value::from)),
            ("version", k0s.version.map(|version| version.to_string().into())),
            ("token", Some("none".into())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        let mut found = crate::plan::differences(&self.desired(), observed);
        // What only a process can tell is not known to differ where there is none.
        found.retain(|difference| difference.before.is_some() || difference.attribute != "version");
        found
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        let others = Self::flags(reply).map(|flags| flags.without(&["kubelet-root-dir", "token-file"]).words());
        let others = others.unwrap_or_default();
        let flags =
            (!others.is_empty()).then(|| format!("flags that are not declared, and stay: {}", others.join(" ")));
        let journal = journal_errors(reply, Role::Worker).into_iter().map(|line| format!("its journal: {line}"));
        flags.into_iter().chain(journal).collect()
    }

    fn foresee(&self, differences: &[Difference]) -> Work {
        let is_stale = differences.iter().any(|difference| TAKEN_AT_START.contains(&difference.attribute.as_str()));
        Work { disruption: is_stale.then(|| self.restarts()), ..Work::default() }
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(&task.goal, task.reply).unwrap_or_else(Work::refused)
    }
}
