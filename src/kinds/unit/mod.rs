//! systemd units: their file, whether they start at boot, whether they run.
//!
//! Observed by one `systemctl show` for all declared units of a node and by the unit's file in `/etc/systemd/system`.
//! What labctl made is stopped, disabled and removed when it leaves the file; a package's unit is left as it is.

mod reads;
mod state;
mod steps;
mod survey;
mod wanted;

use std::collections::BTreeMap;

use crate::lab::{Address, Ground, Lab, Node, Site, Unit};
use crate::observe::{Ask, FileAnswer, Observation, Reply};
use crate::plan::{Act, Step, shell_line};

use super::{Kind, Leftover, Resource, Surveyed, Work};
pub(super) use state::{State, ask as state_ask, read as states};
pub(super) use steps::daemon_reload;
use wanted::Wanted;

/// `[nodes.NAME.units]`.
pub(super) struct Units;

impl Kind for Units {
    fn name(&self) -> &'static str {
        "unit"
    }

    fn about(&self) -> &'static str {
        "A systemd unit: its file, whether it starts at boot, whether it runs."
    }

    fn runs(&self) -> bool {
        true
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        lab.nodes.values().flat_map(|node| node.units.iter().map(|(name, unit)| resource(node, name, unit))).collect()
    }

    fn leftover(&self, site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone { name: name.to_owned(), node: site.name().to_owned() })
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        survey::asks()
    }

    fn survey(&self, _lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        survey::read(node, reply)
    }
}

fn resource(node: &Node, name: &str, unit: &Unit) -> Resource {
    let mut meta = unit.meta.clone();
    // It is there as soon as its package is, also where an apply was cut off in between: who declares both wants both.
    meta.adopt |= reads::is_of_a_declared_package(node, name, unit);
    Resource {
        address: address(node, name),
        ground: Ground::Node(node.name.clone()),
        name: name.to_owned(),
        meta,
        needs: reads::needs(node, name, unit),
        planned_after: Vec::new(),
        body: Box::new(Wanted {
            name: name.to_owned(),
            unit: unit.clone(),
            node: node.clone(),
            reads: reads::files(node, name, unit),
        }),
    }
}

fn address(node: &Node, name: &str) -> Address {
    Address::new(["nodes", &node.name, "units", name])
}

/// Where an administrator's units lie: before `/run` and `/usr` (systemd.unit(5)).
const FOLDER: &str = "/etc/systemd/system";

fn unit_path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// The declared units that systemd has a state of.
fn names(node: &Node) -> Vec<&str> {
    node.units.keys().map(String::as_str).filter(|name| !reads::is_template(name)).collect()
}

/// One call for all units of the node.
fn node_ask(node: &Node) -> Option<Ask> {
    let names = names(node);
    (!names.is_empty()).then(|| state::ask(names))
}

fn node_states(reply: &Reply, node: &Node) -> Result<BTreeMap<String, State>, String> {
    let names = names(node);
    state::read(reply.output(&state::ask(names.iter().copied()))?, &names)
}

/// A unit that left `homelab.toml`.
#[derive(Debug)]
struct Gone {
    name: String,
    node: String,
}

impl Gone {
    fn file_ask(&self) -> Ask {
        Ask::File { path: unit_path(&self.name), limit: 0 }
    }

    fn state_ask(&self) -> Option<Ask> {
        (!reads::is_template(&self.name)).then(|| state::ask([self.name.as_str()]))
    }

    fn state(&self, reply: &Reply) -> Result<State, String> {
        let Some(ask) = self.state_ask() else { return Ok(State::default()) };
        Ok(state::read(reply.output(&ask)?, &[&self.name])?.remove(&self.name).unwrap_or_default())
    }

    fn has_own_file(&self, reply: &Reply) -> Result<bool, String> {
        Ok(matches!(reply.file(&self.file_ask())?, FileAnswer::Regular { .. }))
    }
}

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        [self.file_ask()].into_iter().chain(self.state_ask()).collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match (self.has_own_file(reply), self.state(reply)) {
            (Err(why), _) | (_, Err(why)) => Observation::Unknown(why),
            (Ok(false), Ok(state)) if matches!(state.load.as_str(), "" | "not-found") => Observation::Absent,
            (Ok(_), Ok(state)) => Observation::Present(
                [("enabled", state.enabled(false)), ("running", state.running(false))]
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .into(),
            ),
        }
    }

    fn remove(&self, reply: &Reply) -> Work {
        let (own, state) = match (self.has_own_file(reply), self.state(reply)) {
            (Ok(own), Ok(state)) => (own, state),
            (Err(why), _) | (_, Err(why)) => return Work::refused(why),
        };
        let mut work = Work::default();
        if !own {
            // A package's unit may be the very one that lets people in.
            let hand = shell_line(["systemctl", "disable", "--now", &self.name]);
            work.notes.push(format!("its file is not labctl's, so it stays as it is; to stop it: {hand}"));
            return work;
        }
        if !reads::is_template(&self.name) {
            let argv = ["systemctl", "disable", "--now", "--", &self.name];
            work.steps.push(Step::run(format!("stop and disable {}", self.name), argv).limit(steps::LIMIT));
        }
        let path = unit_path(&self.name);
        work.steps.push(Step::new(format!("remove {path}"), Act::Remove { path }));
        work.steps.push(steps::daemon_reload());
        work.disruption = state.is_active().then(|| format!("stops {} on {}", self.name, self.node));
        work
    }

    fn by_hand(&self) -> String {
        let stop = shell_line(["systemctl", "disable", "--now", &self.name]);
        format!("{stop} && {} && systemctl daemon-reload", shell_line(["rm", "-f", "--", &unit_path(&self.name)]))
    }
}
