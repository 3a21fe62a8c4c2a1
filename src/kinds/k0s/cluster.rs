//! A cluster that labctl makes, as it is reached by labctl's own connection: it answers there, and its record is in it.
//!
//! The record (a `ConfigMap`, [`crate::plan::ground_record`]) is its mark: every change in a cluster writes it first
//! where it is missing.

use crate::kinds::{Body, Goal, Kind, Leaving, Leftover, Resource, Task, Work};
use crate::lab::{Address, ApiKind, Ground, Lab, ObjectKey, Site};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Observation, Reply};
use crate::plan::{Act, Attributes, Call, Mark, Origin, Step, ground_record};

use super::{Seat, seats};

/// `[clusters.NAME]` with a `distribution`.
pub(in crate::kinds) struct Clusters;

impl Kind for Clusters {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn about(&self) -> &'static str {
        "A cluster that labctl makes: its API answers by labctl's own connection, and its record is there."
    }

    fn fits(&self, site: Site<'_>) -> bool {
        site.cluster().is_some_and(|cluster| cluster.k0s.is_some())
    }

    fn runs(&self) -> bool {
        true
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let controllers = seats(lab).into_iter().filter(Seat::is_controller);
        controllers.map(|seat| resource(lab, &seat)).collect()
    }

    fn carries_marks(&self) -> bool {
        true
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn marked(&self, site: Site<'_>, reply: &Reply) -> Result<Vec<(String, Mark)>, String> {
        let address = Address::new(["clusters", site.name()]);
        let records = reply.api_answers().filter_map(|(ask, answer)| match (ask, answer) {
            (ApiAsk::Object(key), ApiAnswer::Object(object)) if ground_record::is_record(key) => Some(object),
            _ => None,
        });
        // It is labctl's own: whatever is desired of it is what was last applied.
        let mark = |object: &serde_json::Value| {
            let lab = object.pointer("/data/lab").and_then(serde_json::Value::as_str).unwrap_or_default();
            Mark::new(lab, &address, Origin::Made, &desired())
        };
        Ok(records.map(|object| (site.name().to_owned(), mark(object))).collect())
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }
}

fn resource(lab: &Lab, seat: &Seat) -> Resource {
    let cluster = &seat.cluster;
    let works = seat.k0s.controller_works().then(|| seat.name_in_cluster());
    Resource {
        address: Address::new(["clusters", cluster.name.as_str()]),
        ground: Ground::Cluster(cluster.name.clone()),
        name: cluster.name.clone(),
        meta: cluster.meta.clone(),
        needs: Vec::new(),
        planned_after: Vec::new(),
        body: Box::new(Wanted { asks: ground_record::asks(lab), works, within: seat.k0s.ready_within }),
    }
}

fn desired() -> Attributes {
    [("api".to_owned(), "answers".into())].into()
}

#[derive(Debug)]
struct Wanted {
    /// The record, and the cluster's identity.
    asks: Vec<Ask>,
    /// The node of the control plane, where it works.
    works: Option<String>,
    /// Seconds.
    within: u64,
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        self.asks.clone()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        let record = self.asks.iter().find_map(|ask| match ask {
            Ask::Api(ApiAsk::Object(key)) if ground_record::is_record(key) => {
                Some(reply.api(&ApiAsk::Object(key.clone())))
            }
            _ => None,
        });
        match record {
            Some(Ok(ApiAnswer::Object(_))) => Observation::Present(desired()),
            Some(Ok(ApiAnswer::Absent)) => Observation::Absent,
            Some(Ok(ApiAnswer::Refused(refusal))) => Observation::Unknown(refusal.message.clone()),
            Some(Err(why)) => Observation::Unknown(why),
            _ => Observation::Unknown("its record can't be read".to_owned()),
        }
    }

    fn desired(&self) -> Attributes {
        desired()
    }

    fn work(&self, task: &Task<'_>) -> Work {
        debug_assert!(
            matches!(task.goal, Goal::Create),
            "there is one attribute, and it is as desired where it is read"
        );
        let ready = |kind: &str, name: &str| {
            let object = ObjectKey::new(ApiKind::new("v1", kind), None, name);
            let call = Act::Api(Call::Ready { object, within: self.within });
            Step::new(format!("wait until {kind} {name} is ready"), call).limit(self.within + 30)
        };
        let node = self.works.as_deref().map(|name| ready("Node", name));
        Work::steps([ready("Namespace", "kube-system")].into_iter().chain(node).collect())
    }
}

/// A cluster that left the file: it is not asked any more.
#[derive(Debug)]
struct Gone(String);

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }

    fn observe(&self, _reply: &Reply) -> Observation {
        Observation::Present(Attributes::new())
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::refused(format!("labctl never takes the cluster `{}` down", self.0))
    }

    fn by_hand(&self) -> String {
        "k0s stop && k0s reset".to_owned()
    }
}
