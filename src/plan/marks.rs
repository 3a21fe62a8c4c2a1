//! All marks of one ground, from records and from the things themselves, and what to ask it for them.

use std::collections::BTreeMap;

use super::{Mark, Origin, facts, ground_record, record};
use crate::kinds::{Declared, KINDS, Kind, Leftover};
use crate::lab::{Ground, Lab, Site};
use crate::observe::{Ask, Reply};

/// The marks of one ground by kind and real name. A kind whose marks can't be read is known to be so.
#[derive(Debug, Default)]
pub struct Marks {
    found: BTreeMap<(String, String), Mark>,
    unreadable: BTreeMap<&'static str, String>,
}

impl Marks {
    /// The marks that the reply tells of. Those of other labs are among them: they keep hands off.
    pub fn read(site: Site<'_>, reply: &Reply) -> Self {
        let mut marks = Self::default();
        let records = site.node().map_or(Ok(Vec::new()), |node| record::read(node, reply));
        for kind in KINDS.iter().filter(|kind| kind.fits(site)) {
            let found = if kind.carries_marks() {
                kind.marked(site, reply)
            } else {
                records.as_ref().map_err(Clone::clone).map(|records| {
                    let of_kind = records.iter().filter(|record| record.kind == kind.name());
                    of_kind.map(|record| (record.name.clone(), record.mark.clone())).collect()
                })
            };
            match found {
                Ok(found) => {
                    marks.found.extend(found.into_iter().map(|(name, mark)| ((kind.name().to_owned(), name), mark)));
                }
                Err(why) => {
                    marks.unreadable.insert(kind.name(), why);
                }
            }
        }
        marks
    }

    /// The mark of a resource; why, where it can't be known.
    pub fn of(&self, kind: &dyn Kind, name: &str) -> Result<Option<&Mark>, String> {
        match self.unreadable.get(kind.name()) {
            Some(why) => Err(why.clone()),
            None => Ok(self.found.get(&(kind.name().to_owned(), name.to_owned()))),
        }
    }

    /// All that has a mark of this lab, declared or not, released or not.
    pub fn of_lab<'a>(&'a self, lab: &'a Lab) -> impl Iterator<Item = Left<'a>> {
        let found = self.found.iter().filter(|(_, mark)| mark.lab == lab.name);
        found.filter_map(|((kind, name), mark)| Some(Left { kind: crate::kinds::kind(kind)?, name, mark }))
    }

    /// This lab's resources that have a mark and are no longer declared. Released ones have left already.
    pub fn left<'a>(&'a self, lab: &'a Lab, ground: &'a Ground, declared: &'a [Declared]) -> Vec<Left<'a>> {
        let is_declared = |kind: &str, name: &str| {
            declared.iter().any(|d| d.kind.name() == kind && d.resource.name == name && d.resource.ground == *ground)
        };
        self.found
            .iter()
            .filter(|(_, mark)| mark.lab == lab.name && mark.origin != Origin::Released)
            .filter(|((kind, name), _)| !is_declared(kind, name))
            .filter_map(|((kind, name), mark)| Some(Left { kind: crate::kinds::kind(kind)?, name, mark }))
            .collect()
    }
}

/// A resource that left the file.
pub struct Left<'a> {
    /// Its kind.
    pub kind: &'static dyn Kind,
    /// Its real name.
    pub name: &'a str,
    /// Its mark.
    pub mark: &'a Mark,
}

impl Left<'_> {
    /// How it is read and removed.
    pub fn leftover(&self, site: Site<'_>) -> Box<dyn Leftover> {
        self.kind.leftover(site, self.name)
    }
}

/// All that a plan asks a ground first: what is declared on it and where marks lie. Equal asks are there once.
pub fn asks(lab: &Lab, site: Site<'_>, declared: &[Declared]) -> Vec<Ask> {
    let ground = site.ground();
    let records = match site {
        Site::Node(node) => vec![record::ask(node)],
        Site::Cluster(_) => ground_record::asks(lab),
    };
    let general = KINDS.iter().filter(|kind| kind.carries_marks() && kind.fits(site)).flat_map(|kind| kind.asks(site));
    let of_resources = declared.iter().filter(|d| d.resource.ground == ground).flat_map(|d| d.resource.body.asks());
    unique(records.into_iter().chain(general).chain(of_resources).chain(facts::asks(lab, site)))
}

/// What must be asked besides, because something left the file or a change needs it; mostly nothing. Asked again, with
/// all answers so far, until it asks nothing new.
pub fn further_asks(lab: &Lab, site: Site<'_>, declared: &[Declared], reply: &Reply) -> Vec<Ask> {
    let ground = site.ground();
    let marks = Marks::read(site, reply);
    let left: Vec<_> = marks.left(lab, &ground, declared).iter().map(|left| left.leftover(site)).collect();
    let general = KINDS.iter().filter(|kind| kind.fits(site)).flat_map(|kind| kind.further_asks(lab, site, reply));
    let of_left = left.iter().flat_map(|left| left.asks().into_iter().chain(left.further_asks(reply)));
    let here = declared.iter().filter(|d| d.resource.ground == ground);
    let of_changes = here.flat_map(|d| d.resource.body.further_asks(reply));
    unique(general.chain(of_left).chain(of_changes).filter(|ask| !reply.has(ask)))
}

fn unique(asks: impl Iterator<Item = Ask>) -> Vec<Ask> {
    let mut seen = std::collections::HashSet::new();
    asks.filter(|ask| seen.insert(ask.clone())).collect()
}
