//! k0s's configuration: the declared keys of the `ClusterConfig`; everything else in it stays as it is.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::kinds::{Body, Goal, Kind, Leaving, Leftover, Resource, Task, Work, file_guard};
use crate::lab::{Content, Lab, Mode, Site};
use crate::observe::{self, Ask, FileAnswer, Observation, Reply};
use crate::plan::{Act, Attributes, Difference, Step, Value, shell_line};

use super::document::{self, fixed, is_secret, leaves};
use super::program::{
    CONFIG, Installed, PROGRAM, authority_ask, has_lived, installed, status, status_ask, version_ask,
};
use super::{Seat, seats};

/// `network`, `sans` and `config` of `[clusters.NAME]`.
pub(in crate::kinds) struct Configs;

impl Kind for Configs {
    fn name(&self) -> &'static str {
        "k0s-config"
    }

    fn about(&self) -> &'static str {
        "k0s's configuration: the declared keys of its `ClusterConfig`."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        seats(lab).into_iter().filter(Seat::is_controller).map(resource).collect()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn leftover(&self, _site: Site<'_>, _name: &str) -> Box<dyn Leftover> {
        Box::new(Gone)
    }
}

fn resource(seat: Seat) -> Resource {
    let binary = seat.at(seat.address("binary"));
    Resource {
        address: seat.address("config"),
        ground: seat.ground(),
        name: CONFIG.to_owned(),
        meta: seat.cluster.meta.clone(),
        needs: vec![binary],
        planned_after: Vec::new(),
        body: Box::new(Wanted(seat)),
    }
}

/// The file that is there, as a document; nothing where there is none.
fn there(reply: &Reply) -> Result<Option<Json>, String> {
    match reply.file(&Ask::file(CONFIG))? {
        FileAnswer::Absent => Ok(None),
        FileAnswer::Regular { body: observe::Body::Bytes(bytes), .. } => {
            let text = String::from_utf8_lossy(bytes);
            let read: Result<Json, _> = serde_saphyr::from_str(&text);
            match read {
                Ok(document) if document.is_object() => Ok(Some(document)),
                Ok(_) => Err(format!("`{CONFIG}` is no ClusterConfig")),
                // The text may hold secrets: the fault's place alone is told.
                Err(error) => Err(match error.location() {
                    Some(place) => format!("`{CONFIG}` is no YAML (line {})", place.line()),
                    None => format!("`{CONFIG}` is no YAML"),
                }),
            }
        }
        FileAnswer::Regular { .. } => Err(format!("`{CONFIG}` is too long to be a ClusterConfig")),
        FileAnswer::Other(what) => Err(format!("`{CONFIG}` is a {what}")),
        FileAnswer::Unreadable(why) => Err(why.clone()),
    }
}

fn check(text: &str) -> (Vec<String>, Content) {
    (
        ["config", "validate", "--config", "-"].iter().fold(vec![PROGRAM.to_owned()], |mut argv, word| {
            argv.push((*word).to_owned());
            argv
        }),
        Content::text(text),
    )
}

#[derive(Debug)]
struct Wanted(Seat);

impl Wanted {
    /// The document as it is to be.
    fn wanted(&self, reply: &Reply) -> Result<Json, String> {
        let declared = &self.0.k0s.config;
        if let Some(there) = there(reply)? {
            return Ok(document::merged(&there, declared));
        }
        // On a live cluster the address is what it is: workers and certificates have it.
        let address = self.0.node.address.filter(|_| !has_lived(reply).unwrap_or(true));
        Ok(document::new(declared, address.map(|address| address.to_string())))
    }

    /// The text to be written, where something is to be written.
    fn text(&self, reply: &Reply) -> Result<Option<String>, String> {
        let wanted = self.wanted(reply)?;
        Ok((there(reply)?.as_ref() != Some(&wanted)).then(|| document::text(&wanted)))
    }

    fn validation(&self, reply: &Reply) -> Option<Ask> {
        let text = self.text(reply).ok()??;
        let (argv, stdin) = check(&text);
        matches!(installed(reply), Ok(Installed::Version(_))).then_some(Ask::Fed { argv, stdin })
    }

    /// What is said of a leaf that can't be as declared on a cluster that lives.
    fn refusal(&self, path: &str, live: &Json, declared: &Json, why: &str) -> String {
        format!(
            "`{path}` of the cluster `{}` is {live} and can't become {declared}: {why}; say {live}, or take the cluster \
             down for good (`k0s stop && k0s reset` on every node: all that is in it is lost) and apply then",
            self.0.cluster.name
        )
    }

    /// Leaves that can't be as declared on a cluster that lives.
    fn fixed(&self, reply: &Reply) -> Result<Option<String>, String> {
        if !has_lived(reply)? {
            return Ok(None);
        }
        // What the process was started with is what the cluster lives with, whatever the file says by now.
        let running = status(reply)?.map(|status| leaves(&status.cluster_config)).unwrap_or_default();
        let file = there(reply)?.map(|document| leaves(&document)).unwrap_or_default();
        for (path, declared) in leaves(&self.0.k0s.config) {
            let Some(why) = fixed(&path) else { continue };
            let live = running.get(&path).or_else(|| file.get(&path));
            let live = document::seen(&path, &declared, live).unwrap_or(Json::Null);
            if live != declared {
                return Ok(Some(self.refusal(&path, &live, &declared, why)));
            }
        }
        Ok(None)
    }

    fn todo(&self, goal: &Goal<'_>, reply: &Reply) -> Result<Work, String> {
        if let Some(why) = self.fixed(reply)? {
            return Ok(Work::refused(why));
        }
        let Some(text) = self.text(reply)? else { return Ok(Work::default()) };
        if let Some(Ok(output)) = self.validation(reply).map(|ask| reply.output(&ask).cloned())
            && output.code != 0
        {
            return Ok(Work::refused(format!("k0s does not take this configuration: {}", output.complaint())));
        }
        let mut work = Work::default();
        if let Some(there) = there(reply)? {
            let secret = leaves(&there).into_iter().find(|(path, value)| is_secret(path, value));
            if let Some((path, _)) = secret {
                return Ok(Work::refused(format!(
                    "`{path}` in `{CONFIG}` is a secret, and the plan would have to hold it; change the file by hand, then \
                     apply"
                )));
            }
            work.notes.push("its comments are lost".to_owned());
        }
        let (argv, stdin) = check(&text);
        let validate = Step::new("let k0s check its configuration", Act::Run { argv, stdin: Some(stdin) });
        let mode = matches!(goal, Goal::Create).then_some(Mode(0o600));
        let put = Act::Put { path: CONFIG.to_owned(), content: Content::text(text), mode, owner: None, group: None };
        let mut put = Step::new(format!("write {CONFIG}"), put);
        put.guards.extend(file_guard(reply, &Ask::file(CONFIG), CONFIG));
        work.steps = vec![validate, put];
        Ok(work)
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::file(CONFIG), version_ask(), status_ask(), authority_ask()]
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        self.validation(reply).into_iter().collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        let there = match there(reply) {
            Err(why) => return Observation::Unknown(why),
            Ok(None) => return Observation::Absent,
            Ok(Some(there)) => leaves(&there),
        };
        let declared = leaves(&self.0.k0s.config);
        let seen = declared.iter().filter_map(|(path, wanted)| {
            let value = document::seen(path, wanted, there.get(path))?;
            let value = if is_secret(path, &value) && value != *wanted { Value::Differs } else { Value::Plain(value) };
            Some((path.clone(), value))
        });
        Observation::Present(seen.collect())
    }

    fn desired(&self) -> Attributes {
        leaves(&self.0.k0s.config).into_iter().map(|(path, value)| (path, Value::Plain(value))).collect()
    }

    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        crate::plan::differences(&self.desired(), observed)
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        let Ok(Some(there)) = there(reply) else { return Vec::new() };
        let declared = leaves(&self.0.k0s.config);
        let is_shell =
            |path: &str| ["apiVersion", "kind", "metadata", "status"].contains(&path.split('.').next().unwrap_or(path));
        let others: BTreeMap<String, Json> = leaves(&there)
            .into_iter()
            .filter(|(path, _)| !declared.contains_key(path) && !is_shell(path) && path != "spec.api.address")
            .collect();
        let names: Vec<&str> = others.keys().map(String::as_str).collect();
        (!names.is_empty())
            .then(|| format!("not declared, and left as it is: {}", names.join(", ")))
            .into_iter()
            .collect()
    }

    fn foresee(&self, differences: &[Difference]) -> Work {
        let refusal = differences.iter().find_map(|difference| {
            let path = difference.attribute.as_str();
            let why = fixed(path)?;
            let plain = |value: &Option<Value>| match value {
                Some(Value::Plain(value)) => Some(value.clone()),
                Some(_) => None,
                None => document::default(path),
            };
            let (live, declared) = (plain(&difference.before)?, plain(&difference.after)?);
            (live != declared).then(|| self.refusal(path, &live, &declared, why))
        });
        refusal.map_or_else(Work::default, Work::refused)
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(&task.goal, task.reply).unwrap_or_else(Work::refused)
    }
}

/// A configuration that left `homelab.toml`.
#[derive(Debug)]
struct Gone;

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::file(CONFIG)]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match reply.file(&Ask::file(CONFIG)) {
            Err(why) => Observation::Unknown(why),
            Ok(FileAnswer::Absent) => Observation::Absent,
            Ok(_) => Observation::Present(Attributes::new()),
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::refused("labctl does not remove the configuration of a cluster")
    }

    fn by_hand(&self) -> String {
        shell_line(["rm", "--", CONFIG])
    }
}
