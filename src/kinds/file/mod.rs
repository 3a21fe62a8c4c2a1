//! Files: content, mode, owner, group.
//!
//! Observed by the file's state and bytes (or by whether they are the desired ones, where they are not to be shown).
//! Written beside and renamed; where only mode or owners differ, only those are set. A file whose mode keeps others from
//! reading it shows only that it differs.

mod content;

use crate::config::Located;
use crate::lab::{Address, File, Ground, Lab, Node, Site};
use crate::observe::{Ask, FileAnswer, Observation, Reply, Stat};
use crate::plan::{Act, Attributes, Difference, Guard, Step, Value, differences, shell_line};

use super::zfs::mounts;
use super::{Body, Goal, Kind, Leftover, Resource, Surveyed, Task, Work, file_guard, package, unit};
pub(super) use content::{ask, content_ask, content_is, observed_content};

/// `[nodes.NAME.files]`.
pub(super) struct Files;

impl Kind for Files {
    fn name(&self) -> &'static str {
        "file"
    }

    fn about(&self) -> &'static str {
        "A file: its content, mode, owner and group."
    }

    fn fits(&self, site: Site<'_>) -> bool {
        site.node().is_some()
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let all = lab.nodes.values().flat_map(|node| node.files.iter().map(move |(path, file)| (node, path, file)));
        all.map(|(node, path, file)| resource(lab, node, path, file)).collect()
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey_asks(&self, node: &Node) -> Vec<Ask> {
        node.files.keys().map(Ask::file).collect()
    }

    fn survey(&self, _lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        // A host has thousands of files and none of them says that it is configuration: only declared ones are shown.
        let found = node.files.iter().map(|(path, file)| surveyed(node, path, file, reply));
        Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

fn address(node: &Node, path: &str) -> Address {
    Address::new(["nodes", &node.name, "files", path])
}

fn surveyed(node: &Node, path: &str, declared: &File, reply: &Reply) -> Result<Option<Surveyed>, String> {
    let FileAnswer::Regular { stat, body } = reply.file(&Ask::file(path))? else { return Ok(None) };
    let mut table = toml::Table::new();
    if let Value::Text(text) = observed_content(&declared.content, false, stat, body) {
        table.insert("content".to_owned(), text.into());
    }
    table.insert("mode".to_owned(), format!("{:04o}", stat.mode).into());
    for (name, value, is_declared) in
        [("owner", &stat.owner, declared.owner.is_some()), ("group", &stat.group, declared.group.is_some())]
    {
        if is_declared {
            table.insert(name.to_owned(), value.as_str().into());
        }
    }
    Ok(Some(Surveyed { address: address(node, path), name: path.to_owned(), entry: toml::Value::Table(table) }))
}

fn resource(lab: &Lab, node: &Node, path: &str, file: &File) -> Resource {
    let mount = mounts::above(lab, node, path);
    let at = |address| Located::new(address, file.meta.place.clone());
    // An account may come with a package; apt's own configuration comes before every package.
    let has_account = [&file.owner, &file.group].into_iter().flatten().any(|account| account != "root");
    let packages = package::addresses(node, &file.meta.place, |_| has_account && !path.starts_with(package::APT));
    Resource {
        address: address(node, path),
        ground: Ground::Node(node.name.clone()),
        name: path.to_owned(),
        meta: file.meta.clone(),
        needs: mount.iter().map(|mount| at(mount.address.clone())).chain(packages).collect(),
        planned_after: Vec::new(),
        body: Box::new(Wanted { path: path.to_owned(), file: file.clone(), mount: mount.map(|mount| mount.guard()) }),
    }
}

#[derive(Debug)]
struct Wanted {
    path: String,
    file: File,
    /// That the dataset below whose mountpoint it lies is mounted.
    mount: Option<Guard>,
}

impl Wanted {
    fn is_hidden(&self) -> bool {
        !self.file.mode.is_world_readable()
    }

    fn content(&self) -> Value {
        Value::content(&self.file.content, self.is_hidden())
    }

    fn ask(&self) -> Ask {
        ask(&self.path, &self.file)
    }

    fn guards(&self, reply: &Reply) -> Vec<Guard> {
        self.mount.iter().cloned().chain(file_guard(reply, &self.ask(), &self.path)).collect()
    }

    fn put(&self, reply: &Reply) -> Step {
        let put = Act::Put {
            path: self.path.clone(),
            content: self.file.content.clone(),
            mode: Some(self.file.mode),
            owner: self.file.owner.clone(),
            group: self.file.group.clone(),
        };
        let mut step = Step::new(format!("write {}", self.path), put);
        step.guards = self.guards(reply);
        step
    }

    /// Owners first: a change of them takes set-user-ID bits off.
    fn set_state(&self, differences: &[Difference], reply: &Reply) -> Vec<Step> {
        let differs = |name: &str| differences.iter().any(|difference| difference.attribute == name);
        let account = |name: &str, value: &Option<String>| value.clone().filter(|_| differs(name)).unwrap_or_default();
        let (owner, group) = (account("owner", &self.file.owner), account("group", &self.file.group));
        let mut steps = Vec::new();
        if !owner.is_empty() || !group.is_empty() {
            let accounts = if group.is_empty() { owner } else { format!("{owner}:{group}") };
            steps.push(Step::run(format!("set the owner of {}", self.path), ["chown", "--", &accounts, &self.path]));
        }
        // A new owner may cost mode bits, so the mode is set in any case.
        let mode = self.file.mode.to_string();
        steps.push(Step::run(format!("set the mode of {}", self.path), ["chmod", &mode, &self.path]));
        if let Some(first) = steps.first_mut() {
            first.guards = self.guards(reply);
        }
        steps
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match reply.file(&self.ask()) {
            Err(why) => Observation::Unknown(why),
            Ok(FileAnswer::Absent) => Observation::Absent,
            Ok(FileAnswer::Regular { stat, body }) => {
                let mut attributes = stat_attributes(stat);
                let content = observed_content(&self.file.content, self.is_hidden(), stat, body);
                attributes.insert("content".to_owned(), content);
                Observation::Present(attributes)
            }
            Ok(FileAnswer::Other(what)) => Observation::Present(type_attribute(what)),
            Ok(FileAnswer::Unreadable(why)) => Observation::Unknown(why.clone()),
        }
    }

    fn desired(&self) -> Attributes {
        let accounts = [("owner", &self.file.owner), ("group", &self.file.group)];
        let accounts = accounts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?.into())));
        [("content", self.content()), ("mode", self.file.mode.to_string().into())]
            .into_iter()
            .chain(accounts)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        match observed.get("type") {
            None => differences(&self.desired(), observed),
            Some(what) => vec![Difference {
                attribute: "type".to_owned(),
                before: Some(what.clone()),
                after: Some("regular file".into()),
                note: None,
            }],
        }
    }

    fn work(&self, task: &Task<'_>) -> Work {
        match &task.goal {
            Goal::Update { observed, .. } if observed.contains_key("type") => Work::refused(format!(
                "`{}` is no regular file; move it away, or declare the file that it points to",
                self.path
            )),
            Goal::Update { differences, .. } if differences.iter().all(|d| d.attribute != "content") => {
                Work::steps(self.set_state(differences, task.reply))
            }
            Goal::Update { .. } | Goal::Create => {
                Work::steps([self.put(task.reply)].into_iter().chain(told_to_systemd(&self.path)).collect())
            }
        }
    }
}

/// systemd reads a unit file or a drop-in only when it is told to.
fn told_to_systemd(path: &str) -> Option<Step> {
    path.starts_with("/etc/systemd/system/").then(unit::daemon_reload)
}

/// What is at the path, where it is no regular file: in the words of `stat`.
fn type_attribute(what: &str) -> Attributes {
    [("type".to_owned(), what.into())].into()
}

/// A file that left `homelab.toml`.
#[derive(Debug)]
struct Gone(String);

impl Gone {
    fn ask(&self) -> Ask {
        Ask::File { path: self.0.clone(), limit: 0 }
    }
}

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match reply.file(&self.ask()) {
            Err(why) => Observation::Unknown(why),
            Ok(FileAnswer::Absent) => Observation::Absent,
            Ok(FileAnswer::Regular { stat, .. }) => Observation::Present(stat_attributes(stat)),
            Ok(FileAnswer::Other(what)) => Observation::Present(type_attribute(what)),
            Ok(FileAnswer::Unreadable(why)) => Observation::Unknown(why.clone()),
        }
    }

    fn remove(&self, reply: &Reply) -> Work {
        if let Ok(FileAnswer::Other(what)) = reply.file(&self.ask()) {
            return Work::refused(format!("`{}` is no longer labctl's file but a {what}; move it away", self.0));
        }
        let mut step = Step::new(format!("remove {}", self.0), Act::Remove { path: self.0.clone() });
        step.guards.extend(file_guard(reply, &self.ask(), &self.0));
        Work::steps([step].into_iter().chain(told_to_systemd(&self.0)).collect())
    }

    fn by_hand(&self) -> String {
        shell_line(["rm", "--", &self.0])
    }
}

fn stat_attributes(stat: &Stat) -> Attributes {
    [("mode", format!("{:04o}", stat.mode)), ("owner", stat.owner.clone()), ("group", stat.group.clone())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}
