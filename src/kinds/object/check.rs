//! What the server says of a desired object, and what must be asked for that.

use serde_json::Value as Json;

use super::wanted::Wanted;
use crate::kubernetes::{APPLIED_BY_HAND, Conflict, conflicts, desired_paths};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Refusal, Reply};

/// What came of a dry run.
#[derive(Debug)]
pub(super) enum Check<'a> {
    /// It would become this.
    Passed {
        /// The object as it would be.
        after: &'a Json,
        /// Whether fields of other managers are taken: the file says so, or nobody stands behind them.
        force: bool,
        /// Those fields.
        taken: Vec<Conflict>,
    },
    /// The server says no.
    Refused {
        /// What it says.
        refusal: &'a Refusal,
        /// The conflicts among it that nothing settles.
        conflicts: Vec<Conflict>,
    },
    /// The server serves no such kind.
    NoKind,
    /// It must be asked.
    Open(ApiAsk),
    /// It was asked and is not known: why.
    Unknown(String),
}

impl Wanted {
    /// What the server says of the object as it would be applied; `live` is the object where there is one.
    pub(super) fn check<'a>(&self, live: Option<&Json>, reply: &'a Reply) -> Check<'a> {
        match self.dry_run(live, false, reply) {
            Check::Refused { refusal, .. } => {
                let found = conflicts(refusal, &desired_paths(&self.manifest.json));
                let unsettled: Vec<Conflict> =
                    found.iter().filter(|conflict| !self.is_settled(conflict, live)).cloned().collect();
                if found.is_empty() || !unsettled.is_empty() {
                    return Check::Refused { refusal, conflicts: unsettled };
                }
                match self.dry_run(live, true, reply) {
                    Check::Passed { after, .. } => Check::Passed { after, force: true, taken: found },
                    check => check,
                }
            }
            check => check,
        }
    }

    fn dry_run<'a>(&self, live: Option<&Json>, force: bool, reply: &'a Reply) -> Check<'a> {
        let ask = ApiAsk::DryRun { manifest: self.marked_manifest(&self.new_mark(live)), force };
        match reply.api(&ask) {
            Ok(ApiAnswer::Object(after)) => Check::Passed { after, force, taken: Vec::new() },
            Ok(ApiAnswer::Refused(refusal)) => Check::Refused { refusal, conflicts: Vec::new() },
            Ok(ApiAnswer::NoKind) => Check::NoKind,
            Ok(_) => Check::Unknown("the answer to a dry run is no object".to_owned()),
            Err(_) if !reply.has(&Ask::Api(ask.clone())) => Check::Open(ask),
            Err(why) => Check::Unknown(why),
        }
    }

    /// Whether a conflict is none: the file takes the field, or it is one of an object that is adopted, and a person
    /// applied it once.
    fn is_settled(&self, conflict: &Conflict, live: Option<&Json>) -> bool {
        let is_adopted = live.is_some_and(|live| self.mark_of(live).is_none());
        self.take.iter().any(|take| conflict.is_taken(&take.value))
            || (is_adopted && APPLIED_BY_HAND.contains(&conflict.manager.as_str()))
    }
}
