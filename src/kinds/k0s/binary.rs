//! k0s's binary: fetched beside its place, checked, asked for its version, then renamed.

use crate::config::Located;
use crate::kinds::{Body, Goal, Kind, Leaving, Leftover, Resource, Task, Work};
use crate::lab::{Address, Binary, Content, K0sVersion, Lab, Mode, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Act, Attributes, Difference, Step, Value, shell_line};

use super::program::{Installed, PROGRAM, installed, status, status_ask, upgrade_fault, version_ask};
use super::{Seat, seats};

/// What is fetched lies here until it has said its version. On the disk of its place, so that it can be renamed.
const BESIDE: &str = "/usr/local/bin/.labctl-k0s";

/// Seconds for 250 MB over a slow line.
const LIMIT: u64 = 3600;

/// `binary` and `version` of `[clusters.NAME]`.
pub(in crate::kinds) struct Binaries;

impl Kind for Binaries {
    fn name(&self) -> &'static str {
        "k0s-binary"
    }

    fn about(&self) -> &'static str {
        "k0s's binary on a node: its version."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        seats(lab).into_iter().map(resource).collect()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn leftover(&self, _site: Site<'_>, _name: &str) -> Box<dyn Leftover> {
        Box::new(Gone)
    }
}

fn resource(seat: Seat) -> Resource {
    // A worker must never be newer than its control plane, not even after a power cut.
    let controller = (!seat.is_controller()).then(|| controller(&seat));
    Resource {
        address: seat.address("binary"),
        ground: seat.ground(),
        name: PROGRAM.to_owned(),
        meta: seat.cluster.meta.clone(),
        needs: controller.into_iter().collect(),
        planned_after: Vec::new(),
        body: Box::new(Wanted(seat)),
    }
}

fn controller(seat: &Seat) -> Located<Address> {
    seat.at(super::address(&seat.cluster, "controller", &seat.k0s.controller.value))
}

#[derive(Debug)]
struct Wanted(Seat);

/// Which processor the node has.
fn machine_ask() -> Ask {
    Ask::run(["uname", "-m"])
}

/// What can fetch.
fn fetchers_ask() -> Ask {
    Ask::run(["sh", "-c", "command -v curl; command -v wget; :"])
}

impl Wanted {
    fn version(&self) -> Option<K0sVersion> {
        self.0.k0s.version
    }

    fn is_met(&self, reply: &Reply) -> bool {
        match (installed(reply), self.version()) {
            (Ok(Installed::Version(there)), Some(version)) => there == version,
            (Ok(Installed::Version(_)), None) => true,
            _ => false,
        }
    }

    /// Why the version can't be the declared one.
    fn fault(&self, reply: &Reply) -> Result<Option<String>, String> {
        let Some(version) = self.version() else { return Ok(None) };
        if let Installed::Version(there) = installed(reply)?
            && let Some(why) = upgrade_fault(there, version)
        {
            return Ok(Some(why));
        }
        let running = status(reply)?.and_then(|status| status.version.parse::<K0sVersion>().ok());
        Ok(running.and_then(|running| upgrade_fault(running, version)))
    }

    fn todo(&self, reply: &Reply) -> Result<Work, String> {
        let node = &self.0.node.name;
        let Some(version) = self.version() else {
            return Ok(Work::refused(format!(
                "there is no k0s that runs on {node}; say `version` and `binary` in `[clusters.{}]`, or install one",
                self.0.cluster.name
            )));
        };
        if let Some(why) = self.fault(reply)? {
            return Ok(Work::refused(why));
        }
        let machine = reply.output(&machine_ask())?.text().trim().to_owned();
        let Some(binary) = self.0.k0s.binary_for(&machine) else {
            let there = match installed(reply)? {
                Installed::Version(there) => format!("{node} has k0s {there}, and not {version}"),
                Installed::Broken(why) => format!("the k0s of {node} does not run: {why}"),
                Installed::No => format!("{node} has no k0s"),
            };
            let which = if self.0.k0s.binary.is_empty() { String::new() } else { format!(" for `{machine}`") };
            return Ok(Work::refused(format!(
                "{there}; say where it comes from{which}: `binary = {{ url = \"…\", sha256 = \"…\" }}` in `[clusters.{}]`",
                self.0.cluster.name
            )));
        };
        let mut work = Work::steps(match binary {
            Binary::Fetched { url, sha256 } => match fetch(reply, url)? {
                Some(fetch) => vec![fetch, check(sha256), Step::run("make it a program", ["chmod", "0755", BESIDE])],
                None => {
                    return Ok(Work::refused(format!(
                        "{node} has neither `curl` nor `wget`; declare one of them under `nodes.{node}.packages`"
                    )));
                }
            },
            Binary::Here(content) => vec![put(content)],
        });
        work.steps.push(ask_version(version));
        work.steps.push(Step::run(format!("put it in the place of {PROGRAM}"), ["mv", "-f", "--", BESIDE, PROGRAM]));
        work.tidies = true;
        work.put_back = vec![Step::new(format!("remove {BESIDE}"), Act::Remove { path: BESIDE.to_owned() })];
        Ok(work)
    }
}

fn fetch(reply: &Reply, url: &str) -> Result<Option<Step>, String> {
    let found = reply.output(&fetchers_ask())?.text().into_owned();
    let has = |name: &str| found.lines().any(|path| path.rsplit('/').next() == Some(name));
    let argv: Vec<&str> = if has("curl") {
        vec!["curl", "--fail", "--silent", "--show-error", "--location", "--retry", "3", "--output", BESIDE, "--", url]
    } else if has("wget") {
        vec!["wget", "--no-verbose", "--tries=3", "--output-document", BESIDE, "--", url]
    } else {
        return Ok(None);
    };
    Ok(Some(Step::run(format!("fetch {url}"), argv).limit(LIMIT)))
}

fn check(sha256: &str) -> Step {
    let argv = ["sha256sum", "--check", "--strict", "-"].map(str::to_owned).to_vec();
    let stdin = Some(Content::text(format!("{sha256}  {BESIDE}\n")));
    Step::new(format!("check that its SHA-256 is {sha256}"), Act::Run { argv, stdin })
}

fn put(content: &Content) -> Step {
    let put = Act::Put {
        path: BESIDE.to_owned(),
        content: content.clone(),
        mode: Some(Mode(0o755)),
        owner: None,
        group: None,
    };
    Step::new("send it", put).limit(LIMIT)
}

/// A binary of another architecture does not run; one of another version says so.
fn ask_version(version: K0sVersion) -> Step {
    const SCRIPT: &str = include_str!("version.sh");
    Step::run(format!("ask it whether it is {version}"), ["sh", "-c", SCRIPT, "sh", BESIDE, &version.to_string()])
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        vec![version_ask(), status_ask()]
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        if self.is_met(reply) || installed(reply).is_err() { Vec::new() } else { vec![machine_ask(), fetchers_ask()] }
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match installed(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(Installed::No) => Observation::Absent,
            Ok(Installed::Version(there)) => {
                Observation::Present([("version".to_owned(), there.to_string().into())].into())
            }
            Ok(Installed::Broken(why)) => {
                Observation::Present([("version".to_owned(), format!("does not run: {why}").into())].into())
            }
        }
    }

    fn desired(&self) -> Attributes {
        self.version().map(|version| ("version".to_owned(), version.to_string().into())).into_iter().collect()
    }

    fn foresee(&self, differences: &[Difference]) -> Work {
        let version = |value: &Option<Value>| match value {
            Some(Value::Plain(value)) => value.as_str()?.parse::<K0sVersion>().ok(),
            _ => None,
        };
        let fault = differences
            .iter()
            .filter(|difference| difference.attribute == "version")
            .find_map(|difference| upgrade_fault(version(&difference.before)?, version(&difference.after)?));
        fault.map_or_else(Work::default, Work::refused)
    }

    fn work(&self, task: &Task<'_>) -> Work {
        let mut work = self.todo(task.reply).unwrap_or_else(Work::refused);
        if matches!(task.goal, Goal::Update { .. }) && work.obstacle.is_none() {
            work.notes.push("what runs goes on with the old one until it is restarted".to_owned());
        }
        work
    }
}

/// A binary that left `homelab.toml`: others may have come to need it.
#[derive(Debug)]
struct Gone;

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![version_ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match installed(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(Installed::No) => Observation::Absent,
            Ok(_) => Observation::Present(Attributes::new()),
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::refused("labctl does not remove k0s")
    }

    fn by_hand(&self) -> String {
        shell_line(["rm", "--", PROGRAM])
    }
}
