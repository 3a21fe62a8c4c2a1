//! A lab and what a cluster answers in, changes and steps out.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::config::Sources;
use crate::graph::Graph;
use crate::kinds;
use crate::kubernetes::{FieldPath, Fields, Part, entries, is_identity, leaves};
use crate::lab::{self, ApiKind, Ground, Lab, Manifest, ObjectKey, Site};
use crate::observe::{Answer, ApiAnswer, ApiAsk, Ask, Cause, Refusal, Reply};
use crate::plan::{Act, Action, ApiGuard, Call, Change, Guard, Obstacle, Options, Seen, Step, build, marks};

mod adopting;
mod changing;
mod leaving;
mod making;

const ROOT: &str = r#"
[lab]
name = "mobius"
[secrets.dns]
env = "DNS_TOKEN"
[clusters.homelab]
kubeconfig = { file = "~/.kube/config" }
"#;

const WEB: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: apps}
data: {a: '1', b: '2'}
";

/// A lab with a service of these manifests; `more` are further keys of its table.
fn lab_with(manifests: &str, more: &str) -> Lab {
    let root =
        format!("{ROOT}[services.web]\nkind = \"manifests\"\ncluster = \"homelab\"\nfiles = [\"web.yaml\"]\n{more}");
    let loaded = lab::load(&Sources::memory([("homelab.toml", root.as_str()), ("web.yaml", manifests)]));
    loaded.lab.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn lab(manifests: &str) -> Lab {
    lab_with(manifests, "")
}

type DryRun = Box<dyn Fn(&Manifest, bool, Option<&Json>) -> ApiAnswer>;

/// A cluster as it answers.
struct Cluster {
    objects: Vec<Json>,
    dry_run: DryRun,
    /// Kinds that it does not serve.
    unserved: Vec<&'static str>,
    /// Answers to lists of a kind, where they are no lists.
    lists: BTreeMap<&'static str, Answer>,
    /// Kinds in labctl's record.
    record: Vec<&'static str>,
}

impl Cluster {
    fn new(objects: impl IntoIterator<Item = Json>) -> Self {
        Self {
            objects: objects.into_iter().collect(),
            dry_run: Box::new(|manifest, _, live| ApiAnswer::Object(Box::new(applied(&manifest.json, live)))),
            unserved: Vec::new(),
            lists: BTreeMap::new(),
            record: Vec::new(),
        }
    }

    fn refusing(mut self, refusal: Refusal) -> Self {
        self.dry_run = Box::new(move |_, _, _| ApiAnswer::Refused(refusal.clone()));
        self
    }

    fn find(&self, key: &ObjectKey) -> Option<&Json> {
        self.objects.iter().find(|object| ObjectKey::of(object).is_some_and(|found| found.is_same(key)))
    }

    fn answer(&self, ask: &Ask) -> Answer {
        let Ask::Api(ask) = ask else { panic!("{ask:?}") };
        let is_unserved = |kind: &ApiKind| self.unserved.contains(&kind.kind.as_str());
        let of_kind = |kind: &ApiKind| {
            let kind = kind.qualified();
            self.objects.iter().filter(move |object| ObjectKey::of(object).unwrap().kind.qualified() == kind)
        };
        Answer::Api(match ask {
            ApiAsk::Lease => ApiAnswer::Absent,
            ApiAsk::Marked { kind, .. } | ApiAsk::All(kind) if is_unserved(kind) => ApiAnswer::NoKind,
            ApiAsk::Marked { kind, lab } => {
                if let Some(answer) = self.lists.get(kind.kind.as_str()) {
                    return answer.clone();
                }
                let is_marked = |object: &&Json| object["metadata"]["labels"]["labctl.dev/lab"] == lab.as_str();
                ApiAnswer::Objects(of_kind(kind).filter(is_marked).cloned().collect())
            }
            ApiAsk::All(kind) => ApiAnswer::Objects(of_kind(kind).cloned().collect()),
            ApiAsk::Contents(namespace) => {
                let is_in = |object: &&Json| object["metadata"]["namespace"] == namespace.as_str();
                ApiAnswer::Objects(self.objects.iter().filter(is_in).cloned().collect())
            }
            ApiAsk::Object(key) if key.kind.kind == "Namespace" && key.name == "kube-system" => {
                ApiAnswer::Object(Box::new(json!({"metadata": {"name": "kube-system", "uid": "cluster-1"}})))
            }
            ApiAsk::Object(key) if key.name == "labctl-mobius" => ApiAnswer::Object(Box::new(
                json!({"data": {"lab": "mobius", "uid": "cluster-1", "kinds": self.record.join("\n")}}),
            )),
            ApiAsk::Object(key) if is_unserved(&key.kind) => ApiAnswer::NoKind,
            ApiAsk::Object(key) => match self.find(key) {
                Some(object) => ApiAnswer::Object(Box::new(object.clone())),
                None => ApiAnswer::Absent,
            },
            ApiAsk::DryRun { manifest, force } => (self.dry_run)(manifest, *force, self.find(&manifest.key().unwrap())),
            ApiAsk::Mask(slot) => ApiAnswer::Mask(format!("masked:{:?}", slot.content)),
        })
    }

    /// All questions and answers, in rounds, and how many dry runs were among them.
    fn read(&self, lab: &Lab) -> (Reply, usize) {
        let declared = kinds::declare(lab);
        let site = Site::Cluster(&lab.clusters["homelab"]);
        let mut reply = Reply::default();
        let mut asks = marks::asks(lab, site, &declared);
        for _ in 0..8 {
            reply.extend(asks.iter().map(|ask| (ask.clone(), self.answer(ask))).collect());
            asks = marks::further_asks(lab, site, &declared, &reply);
        }
        assert!(asks.is_empty(), "it asks on and on: {asks:#?}");
        let runs = reply.api_asks().filter(|ask| matches!(ask, ApiAsk::DryRun { .. })).count();
        (reply, runs)
    }

    fn plan_with(&self, lab: &Lab, options: &Options) -> Vec<Change> {
        let declared = kinds::declare(lab);
        let seen = BTreeMap::from([(Ground::Cluster("homelab".to_owned()), Seen::Read(self.read(lab).0))]);
        build(lab, &declared, &Graph::new(&declared), &seen, options).changes
    }

    fn plan(&self, lab: &Lab) -> Vec<Change> {
        self.plan_with(lab, &Options::default())
    }

    /// The plan of a lab with one object.
    fn change(&self, lab: &Lab) -> Change {
        let mut changes = self.plan(lab);
        assert_eq!(changes.len(), 1, "{changes:#?}");
        changes.remove(0)
    }
}

/// What a server would make of an apply: the fields over those that are there, and labctl's entry.
fn applied(manifest: &Json, live: Option<&Json>) -> Json {
    let mut object = live.cloned().unwrap_or_else(|| json!({"metadata": {"uid": "u1", "resourceVersion": "7"}}));
    merge(&mut object, manifest);
    let mut fields = Fields::default();
    for (path, _) in leaves(manifest).into_iter().filter(|(path, _)| !is_identity(path)) {
        for length in 1..=path.parts().len() {
            let above = FieldPath::new(path.parts()[..length].iter().cloned());
            if length == path.parts().len() || matches!(path.parts()[length - 1], Part::Key(_)) {
                fields.insert(&above);
            }
        }
    }
    let own = json!({"manager": "labctl", "operation": "Apply", "apiVersion": manifest["apiVersion"],
                     "fieldsType": "FieldsV1", "fieldsV1": fields.to_json()});
    let raw = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let is_own = |entry: &&Json| !(entry["manager"] == "labctl" && entry["operation"] == "Apply");
    let others: Vec<Json> = raw.iter().filter(is_own).cloned().collect();
    // What labctl owned, no longer applies and nobody else has goes.
    if let Some(old) = live.and_then(|live| entries(live).into_iter().find(crate::kubernetes::Entry::is_labctl)) {
        for path in old.fields.paths().into_iter().filter(|path| !fields.has(path)) {
            if let [Part::Field(a), Part::Field(b)] = path.parts() {
                object[a.as_str()].as_object_mut().unwrap().remove(b.as_str());
            }
        }
    }
    object["metadata"]["managedFields"] = Json::from([vec![own], others].concat());
    object
}

fn merge(object: &mut Json, manifest: &Json) {
    match (object, manifest) {
        (Json::Object(object), Json::Object(manifest)) => {
            for (name, value) in manifest {
                merge(object.entry(name).or_insert(Json::Null), value);
            }
        }
        (object, manifest) => *object = manifest.clone(),
    }
}

/// The lab's objects as they are once they are applied.
fn as_applied(lab: &Lab) -> Vec<Json> {
    let empty = Cluster::new([]);
    let made = |change: &Change| {
        change.steps.iter().find_map(|step| match &step.act {
            Act::Api(Call::Apply { manifest, .. })
                if !manifest.json["metadata"]["name"].as_str().unwrap().starts_with("labctl-") =>
            {
                let mut object = applied(&manifest.json, None);
                for (pointer, slot) in &manifest.slots {
                    *object.pointer_mut(pointer).unwrap() = format!("masked:{:?}", slot.content).into();
                }
                Some(object)
            }
            _ => None,
        })
    };
    empty.plan(lab).iter().filter_map(made).collect()
}

fn unmarked(mut object: Json, manager: &str, operation: &str) -> Json {
    for (map, names) in [
        ("labels", &["labctl.dev/lab"][..]),
        ("annotations", &["labctl.dev/address", "labctl.dev/origin", "labctl.dev/digest"]),
    ] {
        if let Some(map) = object["metadata"][map].as_object_mut() {
            for name in names {
                map.remove(*name);
            }
        }
    }
    let entry = &mut object["metadata"]["managedFields"][0];
    entry["manager"] = manager.into();
    entry["operation"] = operation.into();
    let owned = entry["fieldsV1"]["f:metadata"].as_object_mut().unwrap();
    owned
        .values_mut()
        .for_each(|fields| fields.as_object_mut().unwrap().retain(|name, _| !name.starts_with("f:labctl.dev/")));
    owned.retain(|_, fields| fields.as_object().is_some_and(|fields| !fields.is_empty()));
    for map in ["labels", "annotations"] {
        if object["metadata"][map] == json!({}) {
            object["metadata"].as_object_mut().unwrap().remove(map);
        }
    }
    object
}

/// What the steps do, in a word each.
fn told(steps: &[Step]) -> Vec<String> {
    let word = |step: &Step| match &step.act {
        Act::Api(Call::Apply { manifest, force }) => {
            format!("apply {}{}", manifest.key().unwrap(), if *force { " by force" } else { "" })
        }
        Act::Api(Call::TakeOver { object, managers }) => format!("take over {object} from {}", managers.join(",")),
        Act::Api(Call::Release { object }) => format!("release {object}"),
        Act::Api(Call::Delete { object }) => format!("delete {object}"),
        Act::Api(Call::Ready { object, .. }) => format!("wait for {object}"),
        Act::Api(Call::Gone { object, .. }) => format!("wait until {object} is gone"),
        act => panic!("{act:?}"),
    };
    steps.iter().map(word).filter(|word| !word.contains("/labctl-mobius")).collect()
}

fn attributes(change: &Change) -> Vec<&str> {
    change.differences.iter().map(|difference| difference.attribute.as_str()).collect()
}

fn why(change: &Change) -> &str {
    match &change.obstacle {
        Some(Obstacle::Refused(why) | Obstacle::Protected(why) | Obstacle::Unknown(why)) => why,
        other => panic!("{other:?} of {change:#?}"),
    }
}

fn refusal(code: u16, reason: &str, message: &str) -> Refusal {
    Refusal { code, reason: reason.to_owned(), message: message.to_owned(), causes: Vec::new() }
}

fn is_guarded(steps: &[Step], is: impl Fn(&ApiGuard) -> bool) -> bool {
    steps.iter().flat_map(|step| &step.guards).any(|guard| matches!(guard, Guard::Api(guard) if is(guard)))
}
