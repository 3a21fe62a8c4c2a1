//! A lab that was observed before: it answers what it was asked then, and nothing can be done to it.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{ReachError, StepOutcome, Transport};
use crate::lab::Ground;
use crate::observe::{Ask, Reply};
use crate::plan::{Observations, Seen, Step};

/// The lab as it was.
#[derive(Debug)]
pub struct RecordedLab(pub Observations);

impl Transport for RecordedLab {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        let answer = match self.0.answers(ground, asks) {
            Seen::Read(reply) => Ok(reply),
            Seen::Unreachable(why) => Err(ReachError::Unreachable(why)),
            Seen::NotYet(why) => Err(ReachError::NotYet(why)),
        };
        async move { answer }.boxed()
    }

    fn act<'a>(&'a self, _ground: &'a Ground, _leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async { vec![StepOutcome::Lost("these are observations, and nothing can be done to them".to_owned())] }.boxed()
    }

    fn is_in_real_time(&self) -> bool {
        false
    }
}
