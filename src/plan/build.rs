//! The whole plan: every declared resource, everything that left the file, in order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::decide::{self, Scene};
use super::marks::Marks;
use super::{Action, Change, Obstacle, behind, ground_record, leave, moves, own_way, wave};
use crate::graph::Graph;
use crate::kinds::Declared;
use crate::lab::{Address, Ground, Hold, Lab, Site};
use crate::observe::Reply;

/// What a run of labctl asks of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// `--adopt`: what may be taken over although it differs. An empty address stands for all.
    pub adopt: Vec<Address>,
    /// `--adopt-only`: nothing but marks is changed.
    pub adopt_only: bool,
    /// `--target`: only these, and what they need.
    pub targets: Vec<Address>,
    /// `--exclude`: not these, nor what needs them.
    pub excludes: Vec<Address>,
    /// `--skip-unreachable`: grounds that can't be reached are left out of the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_unreachable: bool,
    /// Today, for `hold`; every hold holds where it isn't known.
    pub today: Option<jiff::civil::Date>,
}

impl Options {
    pub(super) fn may_adopt(&self, address: &Address) -> bool {
        self.adopt.iter().any(|leave| leave.covers(address))
    }

    pub(super) fn holds(&self, hold: &Hold) -> bool {
        match (hold.until, self.today) {
            (Some(until), Some(today)) => today <= until,
            _ => true,
        }
    }
}

/// What came of reading one ground.
#[derive(Debug)]
pub enum Seen {
    /// Its answers.
    Read(Reply),
    /// It could not be reached or asked: why.
    Unreachable(String),
    /// It does not exist yet: why that is known.
    NotYet(String),
}

/// Why a ground that can't be reached is no surprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// `optional` in the file, of the ground or of the node that leads to it.
    Optional,
    /// `--skip-unreachable`.
    Skipped,
}

/// The version of a plan's form, in JSON and in saved plans.
const FORMAT: &str = "1.0";

/// All changes and their steps, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this form.
    pub format_version: String,
    /// The version of labctl that made it.
    pub labctl_version: String,
    /// The lab's name.
    pub lab: String,
    /// Every resource, unchanged ones too; what is needed stands before what needs it.
    pub changes: Vec<Change>,
    /// The grounds that could not be read, and why. What left the file there is not known either.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreachable: BTreeMap<String, String>,
    /// Those of them that are not evaluated, by leave of the file or of the person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_evaluated: BTreeMap<String, Absence>,
    /// Whether `--target` or `--exclude` left something out.
    pub partial: bool,
}

impl Plan {
    /// A plan of these changes, in their order, of a lab that was read in full.
    pub fn new(lab: &Lab, changes: Vec<Change>) -> Self {
        Self {
            format_version: FORMAT.to_owned(),
            labctl_version: env!("CARGO_PKG_VERSION").to_owned(),
            lab: lab.name.clone(),
            changes,
            ..Self::default()
        }
    }

    /// Whether a ground that can't be reached is away by leave of the file: that is no error.
    pub fn may_be_away(&self, ground: &str) -> bool {
        self.not_evaluated.get(ground) == Some(&Absence::Optional)
    }
}

/// Makes the plan. `seen` has every ground that was read.
pub fn build(
    lab: &Lab,
    declared: &[Declared],
    graph: &Graph,
    seen: &BTreeMap<Ground, Seen>,
    options: &Options,
) -> Plan {
    let mut changes: BTreeMap<Address, Change> = BTreeMap::new();
    let mut leaving = Vec::new();
    let mut unreachable = BTreeMap::new();
    for (ground, seen) in seen {
        let here = declared.iter().filter(|d| d.resource.ground == *ground);
        let Some(site) = lab.site(ground) else { continue };
        let mut all = |each: &dyn Fn(&Declared) -> Change| {
            changes.extend(here.clone().map(|d| (d.resource.address.clone(), each(d))));
        };
        match seen {
            Seen::Unreachable(why) => {
                unreachable.insert(ground.to_string(), why.clone());
                all(&|d| decide::unreachable(d, why));
            }
            Seen::NotYet(why) => all(&|d| decide::not_yet(d, why)),
            Seen::Read(reply) => {
                let record = match site {
                    Site::Node(_) => None,
                    Site::Cluster(cluster) => match ground_record::read(lab, cluster, reply) {
                        Ok(record) => Some(record),
                        Err(why) => {
                            all(&|d| decide::refused(d, &why));
                            continue;
                        }
                    },
                };
                let scene = Scene { lab, site, reply, options, record: record.as_ref() };
                let marks = Marks::read(site, reply);
                all(&|d| decide::decide(&scene, d, marks.of(d.kind, &d.resource.name)));
                let left = marks.left(lab, ground, declared);
                leaving.extend(left.iter().map(|left| (left.leftover(site).turn(reply), leave::leave(&scene, left))));
            }
        }
    }
    let mut ordered: Vec<Change> = graph.order().into_iter().filter_map(|address| changes.remove(address)).collect();
    for change in &mut ordered {
        change.needs = graph.needs(&change.address);
    }
    ordered.extend(in_turn(leaving, graph));
    let all = ordered.len();
    if options.adopt_only {
        ordered.iter_mut().for_each(marks_alone);
    }
    moves::keep(lab, &mut ordered);
    select(&mut ordered, graph, options);
    block(&mut ordered);
    wave::number(&mut ordered, declared);
    behind::note(&mut ordered, declared, graph);
    own_way::note(&mut ordered, lab);
    own_way::order(&mut ordered);
    unreachable.retain(|ground, _| !waits(ground, &ordered));
    Plan {
        not_evaluated: absences(lab, seen, &unreachable, options),
        unreachable,
        partial: ordered.len() != all,
        ..Plan::new(lab, ordered)
    }
}

/// Which of the grounds that can't be reached may be away.
fn absences(
    lab: &Lab,
    seen: &BTreeMap<Ground, Seen>,
    unreachable: &BTreeMap<String, String>,
    options: &Options,
) -> BTreeMap<String, Absence> {
    let is_away = |node: &str| {
        let ground = Ground::Node(node.to_owned());
        let is_optional = lab.nodes.get(node).is_some_and(|node| node.optional);
        is_optional && matches!(seen.get(&ground), Some(Seen::Unreachable(_)))
    };
    let grounds = seen.keys().filter(|ground| unreachable.contains_key(&ground.to_string()));
    let absence = grounds.filter_map(|ground| {
        let gate = match lab.site(ground)? {
            Site::Node(node) => Some(node.name.as_str()),
            Site::Cluster(cluster) => cluster.gate(),
        };
        let absence = match gate.is_some_and(is_away) {
            true => Absence::Optional,
            false if options.skip_unreachable => Absence::Skipped,
            false => return None,
        };
        Some((ground.to_string(), absence))
    });
    absence.collect()
}

/// What left the file goes after everything that may have taken its place.
fn in_turn(mut leaving: Vec<(u32, Change)>, graph: &Graph) -> impl Iterator<Item = Change> {
    leaving.sort_by(|(a_turn, a), (b_turn, b)| {
        a_turn.cmp(b_turn).then_with(|| (&b.kind, &b.address).cmp(&(&a.kind, &a.address)))
    });
    leaving.into_iter().map(|(_, change)| Change { needs: successors(&change, graph), ..change })
}

/// What may take the place of something that left: all that its table still expands to. Until that is there, it stays.
fn successors(left: &Change, graph: &Graph) -> Vec<Address> {
    let table = left.address.table();
    if left.action != Action::Delete || left.address == table {
        return Vec::new();
    }
    graph.addresses().filter(|address| **address != left.address && address.table() == table).cloned().collect()
}

/// Whether nothing on a ground that could not be reached is out of reach any more: all of it waits for what makes the
/// ground.
fn waits(ground: &str, changes: &[Change]) -> bool {
    let mut here = changes.iter().filter(|change| change.ground.to_string() == ground).peekable();
    here.peek().is_some() && here.all(|change| change.action == Action::Deferred && change.obstacle.is_none())
}

/// Leaves of a change only what touches marks: adoptions of what is equal.
fn marks_alone(change: &mut Change) {
    let marks = matches!(change.action, Action::Adopt | Action::Mark) && change.differences.is_empty();
    if !marks && change.obstacle.is_none() {
        change.action = Action::None;
        change.steps.clear();
        change.put_back.clear();
        change.disruption = None;
        change.differences.clear();
    }
}

fn select(changes: &mut Vec<Change>, graph: &Graph, options: &Options) {
    let covered = |targets: &[Address], address: &Address| targets.iter().any(|target| target.covers(address));
    if !options.targets.is_empty() {
        let wanted = graph.with_needs(&options.targets);
        changes.retain(|change| wanted.contains(&change.address) || covered(&options.targets, &change.address));
    }
    let unwanted = graph.with_users(&options.excludes);
    changes.retain(|change| !unwanted.contains(&change.address) && !covered(&options.excludes, &change.address));
}

/// What needs something that will not be as desired is not started.
pub(super) fn block(changes: &mut [Change]) {
    let mut missing: BTreeSet<Address> = BTreeSet::new();
    for change in changes {
        if change.is_due()
            && let Some(need) = change.needs.iter().find(|need| missing.contains(*need))
        {
            change.obstacle = Some(Obstacle::Blocked(need.clone()));
        }
        // What is held back from changing is there all the same; what is held back from being made is not.
        let stands = match &change.obstacle {
            None => true,
            Some(Obstacle::Held(_)) => change.action != Action::Create,
            Some(_) => false,
        };
        if !stands {
            missing.insert(change.address.clone());
        }
    }
}
