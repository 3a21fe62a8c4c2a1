//! A lab with one cluster, asked and told through the transport alone.

use std::path::Path;
use std::sync::Arc;

use labctl::config::Sources;
use labctl::lab::{ApiKind, Ground, Lab, Manifest, ObjectKey, load};
use labctl::local::Values;
use labctl::observe::{Answer, ApiAnswer, ApiAsk, Ask, Reply};
use labctl::plan::{Act, Call, Guard, Step};
use labctl::transport::ssh::Nobody;
use labctl::transport::{Access, ReachError, RealLab, StepOutcome, Transport as _};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A lab whose cluster is `lab`, and a runtime to ask it in.
pub(super) struct Bench {
    runtime: Runtime,
    lab: RealLab,
}

impl Bench {
    /// The cluster that a kubeconfig file leads to.
    pub(super) fn file(kubeconfig: &Path) -> Self {
        Self::new(&format!("[clusters.lab]\nkubeconfig = {{ file = {:?} }}\n", kubeconfig.to_str().unwrap()))
    }

    /// A lab with these tables.
    pub(super) fn new(tables: &str) -> Self {
        let text = format!("[lab]\nname = \"kube-test\"\n{tables}");
        let sources = Sources::memory([("homelab.toml", text.as_str())]);
        let loaded = load(&sources);
        let lab: Lab = loaded.lab.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let values = Values::new(&lab, Arc::new(sources));
        let access = Access { read_only: false, prompt: Arc::new(Nobody) };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { runtime, lab: RealLab::new(&lab, Arc::new(values), access) }
    }

    pub(super) fn probe(&self, asks: &[Ask]) -> Result<Reply, ReachError> {
        self.runtime.block_on(self.lab.probe(&Ground::Cluster("lab".to_owned()), asks))
    }

    /// The answer to one ask.
    pub(super) fn try_ask(&self, ask: ApiAsk) -> Result<Answer, ReachError> {
        let ask = Ask::Api(ask);
        Ok(self.probe(std::slice::from_ref(&ask))?.answer(&ask))
    }

    pub(super) fn ask(&self, ask: ApiAsk) -> ApiAnswer {
        match self.try_ask(ask) {
            Ok(Answer::Api(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn object(&self, key: &ObjectKey) -> Value {
        match self.ask(ApiAsk::Object(key.clone())) {
            ApiAnswer::Object(object) => *object,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn dry_run(&self, json: Value) -> ApiAnswer {
        self.ask(ApiAsk::DryRun { manifest: Manifest::plain(json), force: false })
    }

    pub(super) fn act(&self, steps: &[Step]) -> Vec<StepOutcome> {
        self.runtime.block_on(self.lab.act(&Ground::Cluster("lab".to_owned()), steps))
    }

    /// Carries out the steps, which must all be done.
    pub(super) fn done(&self, steps: &[Step]) {
        let outcomes = self.act(steps);
        assert!(outcomes.len() == steps.len() && outcomes.iter().all(|one| *one == StepOutcome::Done), "{outcomes:#?}");
    }

    /// Carries out one step, which must fail; its words.
    pub(super) fn fails(&self, step: Step) -> String {
        match self.act(&[step]).as_slice() {
            [StepOutcome::Failed { words, .. }] => words.join("\n"),
            other => panic!("{other:#?}"),
        }
    }

    /// Carries out one step, which must be stale; what is found.
    pub(super) fn is_stale(&self, step: Step) -> String {
        match self.act(&[step]).as_slice() {
            [StepOutcome::Stale { found, .. }] => found.clone(),
            other => panic!("{other:#?}"),
        }
    }

    /// The error that nothing could be asked; it names what is needed to look after it.
    pub(super) fn unreachable(&self, server: &str) -> String {
        let error = self.try_ask(identity()).expect_err("an error").to_string();
        for words in ["cluster `lab`", server, "kubeconfig `"] {
            assert!(error.contains(words), "{words:?} is not in {error}");
        }
        error
    }
}

pub(super) fn identity() -> ApiAsk {
    ApiAsk::Object(ObjectKey::new(ApiKind::new("v1", "Namespace"), None, "kube-system"))
}

pub(super) fn key(api_version: &str, kind: &str, namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::new(ApiKind::new(api_version, kind), Some(namespace), name)
}

pub(super) fn config_map(namespace: &str, name: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace }, "data": { "a": value } })
}

pub(super) fn step(call: Call) -> Step {
    Step::new("call", Act::Api(call))
}

pub(super) fn apply(json: Value) -> Step {
    step(Call::Apply { manifest: Manifest::plain(json), force: false })
}

/// What a plan that saw this object relies on.
pub(super) fn unchanged(seen: &Value) -> Guard {
    let text = |pointer: &str| seen.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    Guard::Api(labctl::plan::ApiGuard::Unchanged {
        object: ObjectKey::of(seen).unwrap(),
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        fingerprint: labctl::kubernetes::fingerprint(seen),
    })
}
