//! A node in its cluster: that it is there and Ready, its labels, its taints.
//!
//! k0s gives a node labels and taints at its first registration alone; from then on they are the API's. The controller's
//! own `k0s kubectl` reads and writes them, with the rights of root there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::kinds::{Body, Carries, Goal, Kind, Leaving, Leftover, Resource, Task, Work};
use crate::lab::{Lab, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Step, Value, shell_line};

use super::program::{PROGRAM, Role, is_there, unit, units_ask};
use super::{Seat, run, seats};

/// Seconds for the pods of a node to leave it.
const DRAIN: u64 = 300;

/// Taints that Kubernetes itself sets and takes away.
const KUBERNETES_OWN: [&str; 2] = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

/// `labels` and `taints` of the `[nodes.NAME]` that work in a cluster.
pub(in crate::kinds) struct Members;

impl Kind for Members {
    fn name(&self) -> &'static str {
        "k0s-node"
    }

    fn about(&self) -> &'static str {
        "A node in its cluster: its labels and taints. One that leaves the file is cordoned and drained."
    }

    fn runs(&self) -> bool {
        true
    }

    fn carries(&self) -> Carries {
        Carries::Cluster
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let works = |seat: &Seat| !seat.is_controller() || seat.k0s.controller_works();
        seats(lab).into_iter().filter(works).map(resource).collect()
    }

    fn leaving(&self) -> Leaving {
        // A kubelet registers its node by itself: whether labctl saw that happen means nothing.
        Leaving::Ended
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        let (cluster, node) = name.split_once('/').unwrap_or(("", name));
        Box::new(Gone { node: node.to_owned(), cluster: cluster.to_owned() })
    }
}

fn resource(seat: Seat) -> Resource {
    let what = if seat.is_controller() { "controller" } else { "worker" };
    let controller = super::address(&seat.cluster, "controller", &seat.k0s.controller.value);
    let mut needs = vec![seat.at(seat.address(what))];
    needs.extend((!seat.is_controller()).then(|| seat.at(controller.clone())));
    Resource {
        address: seat.address("node"),
        ground: seat.controller_ground(),
        name: format!("{}/{}", seat.cluster.name, seat.name_in_cluster()),
        meta: seat.cluster.meta.clone(),
        needs,
        planned_after: vec![controller],
        body: Box::new(Wanted(seat)),
    }
}

fn kubectl<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    [PROGRAM, "kubectl"].into_iter().chain(words).map(str::to_owned).collect()
}

fn nodes_ask() -> Ask {
    Ask::Run(kubectl(["get", "nodes", "-o", "json", "--request-timeout=5s"]))
}

/// What the cluster says of its nodes.
enum Seen {
    /// There is no cluster yet.
    NoCluster,
    /// There is one whose API does not answer: why.
    Silent(String),
    /// It has no such node.
    Absent,
    /// It has.
    Node(Json),
}

fn seen(reply: &Reply, name: &str) -> Result<Seen, String> {
    let output = reply.output(&nodes_ask())?;
    if output.code != 0 {
        let has_unit = is_there(&unit(reply, Role::Controller)?);
        return Ok(if has_unit { Seen::Silent(output.complaint()) } else { Seen::NoCluster });
    }
    let list: Json = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("`k0s kubectl get nodes` says what labctl can't read ({error})"))?;
    let items = list["items"].as_array().cloned().ok_or("`k0s kubectl get nodes` gives no list")?;
    let node = items.into_iter().find(|item| item.pointer("/metadata/name").and_then(Json::as_str) == Some(name));
    Ok(node.map_or(Seen::Absent, Seen::Node))
}

/// Whether the node is Ready; what it says instead.
fn readiness(node: &Json) -> Result<(), String> {
    let conditions = node.pointer("/status/conditions").and_then(Json::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    match ready {
        Some(condition) if condition["status"] == "True" => Ok(()),
        Some(condition) => Err(condition["message"].as_str().unwrap_or("it does not say why").to_owned()),
        None => Err("its kubelet has said nothing yet".to_owned()),
    }
}

fn labels(node: &Json) -> BTreeMap<String, String> {
    let labels = node.pointer("/metadata/labels").and_then(Json::as_object);
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    labels.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// `key=value:Effect`, as they are written; without those of Kubernetes.
fn taints(node: &Json) -> BTreeSet<String> {
    let taints = node.pointer("/spec/taints").and_then(Json::as_array);
    let taint = |taint: &Json| {
        let text = |key: &str| taint[key].as_str().unwrap_or_default();
        match text("value") {
            "" => format!("{}:{}", text("key"), text("effect")),
            value => format!("{}={value}:{}", text("key"), text("effect")),
        }
    };
    let is_own = |taint: &String| KUBERNETES_OWN.iter().any(|prefix| taint.starts_with(prefix));
    taints.into_iter().flatten().map(taint).filter(|taint| !is_own(taint)).collect()
}

fn label_attribute(key: &str) -> String {
    format!("label {key}")
}

#[derive(Debug)]
struct Wanted(Seat);

impl Wanted {
    fn name(&self) -> String {
        self.0.name_in_cluster()
    }

    fn wanted_taints(&self) -> Option<BTreeSet<String>> {
        Some(self.0.node.taints.as_ref()?.iter().cloned().collect())
    }

    fn label(&self, differs: impl Fn(&str) -> bool) -> Option<Step> {
        let wanted = self.0.node.labels.iter().filter(|(key, _)| differs(&label_attribute(key)));
        let words: Vec<String> = wanted.map(|(key, value)| format!("{key}={value}")).collect();
        let name = self.name();
        let argv = ["label", "node", &name].into_iter().chain(words.iter().map(String::as_str)).chain(["--overwrite"]);
        (!words.is_empty()).then(|| Step::run(format!("label {name}"), kubectl(argv)))
    }

    fn taint(&self, there: &BTreeSet<String>) -> Vec<Step> {
        let Some(wanted) = self.wanted_taints() else { return Vec::new() };
        let without_value = |taint: &String| {
            let (what, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
            format!("{}:{effect}-", what.split('=').next().unwrap_or(what))
        };
        let (name, mut steps) = (self.name(), Vec::new());
        let mut step = |words: Vec<String>, about: &str, end: Option<&str>| {
            let argv = ["taint", "node", &name].into_iter().chain(words.iter().map(String::as_str)).chain(end);
            steps.extend((!words.is_empty()).then(|| Step::run(format!("{about} {name}"), kubectl(argv))));
        };
        // What is taken away first may be what is set next, with another value.
        step(there.difference(&wanted).map(without_value).collect(), "take taints from", None);
        step(wanted.difference(there).cloned().collect(), "taint", Some("--overwrite"));
        steps
    }

    fn todo(&self, goal: &Goal<'_>, reply: &Reply) -> Result<Work, String> {
        let (node, name, cluster) = (&self.0.node.name, self.name(), &self.0.cluster.name);
        let mut work = Work::default();
        let differs = |attribute: &str| match goal {
            Goal::Create => true,
            Goal::Update { differences, .. } => differences.iter().any(|difference| difference.attribute == attribute),
        };
        let there = match seen(reply, &name)? {
            Seen::Silent(why) => {
                work.deferred = Some(format!("the API of `{cluster}` does not answer yet: {why}"));
                return Ok(work);
            }
            Seen::NoCluster | Seen::Absent => {
                let words = [PROGRAM, name.as_str()];
                let about = format!("wait until {name} is Ready in {cluster}");
                work.steps.push(run::wait(about, include_str!("member.sh"), &words, self.0.k0s.ready_within));
                // A control plane that works is registered with its own taint unless it was told not to.
                BTreeSet::new()
            }
            Seen::Node(found) => taints(&found),
        };
        work.steps.extend(self.label(differs));
        if differs("taints") {
            let steps = self.taint(&there);
            let evicts = |taint: &String| taint.ends_with(":NoExecute") && !there.contains(taint);
            if matches!(goal, Goal::Update { .. })
                && self.wanted_taints().is_some_and(|taints| taints.iter().any(evicts))
            {
                work.disruption = Some(format!("evicts the pods of {node} that don't tolerate its new taint"));
            }
            work.steps.extend(steps);
        }
        Ok(work)
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        vec![nodes_ask(), units_ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        let node = match seen(reply, &self.name()) {
            Err(why) => return Observation::Unknown(why),
            Ok(Seen::NoCluster | Seen::Silent(_) | Seen::Absent) => return Observation::Absent,
            Ok(Seen::Node(node)) => node,
        };
        let there = labels(&node);
        let declared = self.0.node.labels.keys();
        let labels = declared.filter_map(|key| Some((label_attribute(key), there.get(key)?.as_str().into())));
        let taints: Vec<String> = taints(&node).into_iter().collect();
        let taints = ("taints".to_owned(), Value::from(taints));
        Observation::Present(labels.chain([taints]).collect())
    }

    fn desired(&self) -> Attributes {
        let labels = self.0.node.labels.iter().map(|(key, value)| (label_attribute(key), value.as_str().into()));
        let taints = self.wanted_taints().map(|taints| taints.into_iter().collect::<Vec<String>>());
        labels.chain(taints.map(|taints| ("taints".to_owned(), taints.into()))).collect()
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        let Ok(Seen::Node(node)) = seen(reply, &self.name()) else { return Vec::new() };
        let mut remarks: Vec<String> =
            readiness(&node).err().map(|why| format!("it is not Ready: {why}")).into_iter().collect();
        if node.pointer("/spec/unschedulable") == Some(&Json::Bool(true)) {
            remarks.push("it is cordoned: new pods don't come to it".to_owned());
        }
        remarks
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(&task.goal, task.reply).unwrap_or_else(Work::refused)
    }
}

/// A node that works in a cluster no more, as the file has it.
#[derive(Debug)]
struct Gone {
    node: String,
    cluster: String,
}

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![nodes_ask(), units_ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match seen(reply, &self.node) {
            Err(why) | Ok(Seen::Silent(why)) => Observation::Unknown(why),
            Ok(Seen::NoCluster | Seen::Absent) => Observation::Absent,
            Ok(Seen::Node(_)) => Observation::Present(Attributes::new()),
        }
    }

    fn stays(&self, lab: &Lab, _reply: &Reply) -> Option<String> {
        // A cluster that left the file as a whole is not emptied.
        let lives = lab.clusters.get(&self.cluster).is_some_and(|cluster| cluster.k0s.is_some());
        (!lives).then(|| format!("the cluster `{}` left the file with it, and runs on", self.cluster))
    }

    fn remove(&self, _reply: &Reply) -> Work {
        let (node, timeout) = (self.node.as_str(), format!("--timeout={DRAIN}s"));
        let drain = ["drain", node, "--ignore-daemonsets", "--delete-emptydir-data", &timeout];
        let mut work = Work::steps(vec![
            Step::run(format!("let no new pods come to {node}"), kubectl(["cordon", node])),
            Step::run(format!("let the pods of {node} leave it"), kubectl(drain)).limit(DRAIN + 60),
        ]);
        work.disruption = Some(format!("evicts all pods of {node}; what they keep in emptyDir volumes is lost"));
        work.notes.push(format!(
            "k0s runs on there, and the node stays known to `{}`; to end that: `k0s stop && k0s reset` on the node, then {}",
            self.cluster,
            shell_line(["k0s", "kubectl", "delete", "node", node])
        ));
        work
    }

    fn by_hand(&self) -> String {
        shell_line(["k0s", "kubectl", "drain", &self.node, "--ignore-daemonsets", "--delete-emptydir-data"])
    }
}
