//! One declared unit: how it is read, compared and changed.
//!
//! A running unit is restarted only when something that it reads changes: its own file, or a declared file that it
//! names. Such a file counts as changing when it is not as declared at the time of the plan.

use std::collections::BTreeMap;

use crate::kinds::{Body, Goal, Task, Work, file, file_guard, package};
use crate::lab::{Mode, Node, Unit};
use crate::observe::{Ask, FileAnswer, Observation, Reply};
use crate::plan::{Act, Attributes, Difference, Step, Value, digest, shell_line};

use super::reads::{self, is_template};
use super::state::State;
use super::{node_ask, node_states, steps, unit_path};

#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) unit: Unit,
    pub(super) node: Node,
    /// Declared files that it reads.
    pub(super) reads: Vec<String>,
}

/// The attributes whose change restarts a unit that runs.
const NEW_TEXT: [&str; 3] = ["content", "loaded", "reads"];

/// That it was started after its files came to be as declared; differs where an apply was cut off between the two.
const RESTARTED: &str = "restarted";

/// The state of a read file when it needs no restart.
const AS_DECLARED: &str = "as declared";

impl Wanted {
    fn is_hidden(&self) -> bool {
        self.unit.content.as_ref().is_some_and(|content| content.secrets().next().is_some())
    }

    fn content_ask(&self) -> Option<Ask> {
        let content = self.unit.content.as_ref()?;
        Some(file::content_ask(&unit_path(&self.name), content, self.is_hidden()))
    }

    /// `None` for a template, of which systemd has no state.
    fn state(&self, reply: &Reply) -> Result<Option<State>, String> {
        if is_template(&self.name) {
            return Ok(None);
        }
        let mut states = node_states(reply, &self.node)?;
        states.remove(&self.name).map(Some).ok_or_else(|| "systemd said nothing of it".to_owned())
    }

    fn file<'a>(&self, reply: &'a Reply) -> Result<Option<&'a FileAnswer>, String> {
        self.content_ask().map(|ask| reply.file(&ask)).transpose()
    }

    fn reads_declared(&self) -> Option<Value> {
        let states: BTreeMap<&str, &str> = self.reads.iter().map(|path| (path.as_str(), AS_DECLARED)).collect();
        (!states.is_empty()).then(|| serde_json::json!(states).into())
    }

    /// The files that it reads, as they are. Nothing of them matters to a unit that does not run: it reads them anew.
    fn reads_observed(&self, reply: &Reply, is_active: bool) -> Option<Value> {
        let state = |path: &str| {
            // To systemd itself they matter in any case.
            let matters = is_active || reads::is_unit_file(&self.name, path);
            let file = self.node.files.get(path).filter(|_| matters);
            file.map_or(AS_DECLARED, |wanted| match file::content_is(path, wanted, reply) {
                Ok(Some(false)) => "differs",
                Ok(None) => "absent",
                // A file that can't be read is its own error.
                Ok(Some(true)) | Err(_) => AS_DECLARED,
            })
        };
        let states: BTreeMap<&str, &str> = self.reads.iter().map(|path| (path.as_str(), state(path))).collect();
        (!states.is_empty()).then(|| serde_json::json!(states).into())
    }

    fn attributes(&self, file: Option<&FileAnswer>, state: &State, reply: &Reply) -> Attributes {
        let mut attributes = Attributes::new();
        if let (Some(content), Some(FileAnswer::Regular { stat, body })) = (&self.unit.content, file) {
            attributes.insert("content".to_owned(), file::observed_content(content, self.is_hidden(), stat, body));
            attributes.insert("mode".to_owned(), Mode(stat.mode).to_string().into());
        }
        if !is_template(&self.name) {
            let enabled = state.enabled(self.unit.enabled.unwrap_or_default());
            let running = state.running(self.unit.running.unwrap_or_default());
            attributes.insert("enabled".to_owned(), Value::Plain(enabled));
            attributes.insert("running".to_owned(), Value::Plain(running));
            attributes.insert("loaded".to_owned(), (!state.is_stale).into());
        }
        attributes.extend(self.reads_observed(reply, state.is_active()).map(|reads| ("reads".to_owned(), reads)));
        attributes
    }

    /// Whether systemd must have read its files: they are the file's to declare.
    fn wants_loaded(&self) -> bool {
        let has_files =
            self.unit.content.is_some() || self.reads.iter().any(|path| reads::is_unit_file(&self.name, path));
        has_files && !is_template(&self.name)
    }

    /// Why what is declared can't be, whatever is done.
    fn contradiction(&self, state: &State, exists: bool, reply: &Reply) -> Option<String> {
        let (name, node) = (&self.name, &self.node.name);
        let (enabled, running) = (self.unit.enabled == Some(true), self.unit.running == Some(true));
        if is_template(name) {
            let why = format!("`{name}` is a template; declare `enabled` and `running` of its instances");
            return (self.unit.enabled.or(self.unit.running).is_some()).then_some(why);
        }
        if !exists && self.unit.content.is_none() && !self.may_come(reply) {
            return Some(format!(
                "{node} has no unit `{name}`; declare the package that brings it under `nodes.{node}.packages`, or give it `content`"
            ));
        }
        if state.load == "masked" {
            return Some(format!(
                "`{name}` is masked; to allow it again: {}",
                shell_line(["systemctl", "unmask", name])
            ));
        }
        if enabled && matches!(state.file.as_str(), "static" | "generated" | "transient") {
            return Some(format!("`{name}` is {}: it can't be enabled; take `enabled` out", state.file));
        }
        let text = self.unit.content.as_ref().and_then(|content| content.as_text());
        let is_oneshot = text.map_or(state.is_oneshot, is_oneshot);
        (running && is_oneshot).then(|| {
            format!(
                "`{name}` is a oneshot service: it ends when its work is done; take `running` out, or declare its timer"
            )
        })
    }

    /// Whether something that the same plan makes may bring the unit.
    fn may_come(&self, reply: &Reply) -> bool {
        let by_package = package::is_any_missing(reply, &self.node, |package| {
            reads::may_bring(&self.node, &self.name, &self.unit, package)
        });
        let has_content = |name: &String| self.node.units.get(name).is_some_and(|unit| unit.content.is_some());
        let by_file = self.reads.iter().any(|path| reads::is_unit_file(&self.name, path));
        by_package || by_file || reads::template(&self.name).is_some_and(|template| has_content(&template))
    }

    fn put(&self, reply: &Reply) -> Option<Step> {
        let path = unit_path(&self.name);
        let put = Act::Put {
            path: path.clone(),
            content: self.unit.content.clone()?,
            // A person's mode stays, unless the content must not be read by all.
            mode: self.is_hidden().then_some(Mode(0o600)),
            owner: None,
            group: None,
        };
        let mut step = Step::new(format!("write {path}"), put);
        step.guards.extend(self.content_ask().and_then(|ask| file_guard(reply, &ask, &path)));
        Some(step)
    }

    fn todo(&self, goal: &Goal<'_>, reply: &Reply) -> Result<Work, String> {
        let state = self.state(reply)?.unwrap_or_default();
        let file = self.file(reply)?;
        let exists = state.load != "not-found" || matches!(file, Some(FileAnswer::Regular { .. }));
        if let Some(why) = self.contradiction(&state, exists, reply) {
            return Ok(Work::refused(why));
        }
        if let Some(FileAnswer::Other(what)) = file {
            return Ok(Work::refused(format!(
                "`{}` is no regular file: {what}; move it away first",
                unit_path(&self.name)
            )));
        }
        let differs = |name: &str| match goal {
            Goal::Create => self.desired().contains_key(name),
            Goal::Update { differences, .. } => {
                differences.iter().any(|Difference { attribute, .. }| attribute == name)
            }
        };
        let mut work = Work::default();
        let writes = differs("content") || differs("mode");
        if writes {
            work.steps.extend(self.put(reply));
            if !state.path.is_empty() && state.path != unit_path(&self.name) {
                work.notes.push(format!("it takes the place of {}", state.path));
            }
        }
        let is_told = writes
            || differs("loaded")
            || self.reads.iter().any(|path| reads::is_unit_file(&self.name, path) && differs("reads"));
        if is_told {
            work.steps.push(steps::daemon_reload());
        }
        if let Some(enabled) = self.unit.enabled.filter(|_| differs("enabled")) {
            let verb = if enabled { "enable" } else { "disable" };
            work.steps.push(Step::run(format!("{verb} {}", self.name), ["systemctl", verb, "--", &self.name]));
        }
        let has_new_text = NEW_TEXT.into_iter().chain([RESTARTED]).any(differs);
        steps::run_state(self, &state, has_new_text, differs("running"), &mut work);
        Ok(work)
    }
}

/// Whether a unit's text makes it a service that ends after its work.
pub(super) fn is_oneshot(text: &str) -> bool {
    let is_set = |wanted: &[&str]| text.lines().any(|line| wanted.contains(&line.trim()));
    let remains = ["RemainAfterExit=yes", "RemainAfterExit=true", "RemainAfterExit=1", "RemainAfterExit=on"];
    is_set(&["Type=oneshot"]) && !is_set(&remains)
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let reads = self.reads.iter().filter_map(|path| Some(file::ask(path, self.node.files.get(path)?)));
        let packages = package::asks(&self.node);
        self.content_ask().into_iter().chain(reads).chain(node_ask(&self.node)).chain(packages).collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        let (state, file) = match (self.state(reply), self.file(reply)) {
            (Ok(state), Ok(file)) => (state.unwrap_or_default(), file),
            (Err(why), _) | (_, Err(why)) => return Observation::Unknown(why),
        };
        let has_file = matches!(file, Some(FileAnswer::Regular { .. } | FileAnswer::Other(_)));
        // systemd has no state of a template, so its file is all there is of it.
        if !has_file && matches!(state.load.as_str(), "not-found" | "") {
            return Observation::Absent;
        }
        Observation::Present(self.attributes(file, &state, reply))
    }

    fn desired(&self) -> Attributes {
        let unit = &self.unit;
        let content = unit.content.as_ref().map(|content| Value::content(content, self.is_hidden()));
        [
            ("content", content),
            ("mode", self.is_hidden().then(|| Mode(0o600).to_string().into())),
            ("enabled", unit.enabled.map(Value::from)),
            ("running", unit.running.map(Value::from)),
            ("loaded", self.wants_loaded().then(|| true.into())),
            ("reads", self.reads_declared()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    fn inputs(&self) -> Option<String> {
        let contents: Vec<_> =
            self.reads.iter().filter_map(|path| Some((path, &self.node.files.get(path)?.content))).collect();
        (!contents.is_empty()).then(|| digest(&contents))
    }

    fn outdated(&self, observed: &Attributes, found: &[Difference]) -> Option<Difference> {
        let runs = observed.get("running") == Some(&true.into()) && self.unit.running != Some(false);
        let is_restarted = found.iter().any(|difference| NEW_TEXT.contains(&difference.attribute.as_str()));
        (runs && !is_restarted).then(|| Difference {
            attribute: RESTARTED.to_owned(),
            before: Some(false.into()),
            after: Some(true.into()),
            note: Some("what it reads may be newer than it".to_owned()),
        })
    }

    fn foresee(&self, differences: &[Difference]) -> Work {
        let differs = |name: &str| differences.iter().any(|difference| difference.attribute == name);
        let has_new_text = NEW_TEXT.into_iter().chain([RESTARTED]).any(differs);
        Work { disruption: steps::foreseen(self, has_new_text, differs("running")), ..Work::default() }
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(&task.goal, task.reply).unwrap_or_else(Work::refused)
    }
}
