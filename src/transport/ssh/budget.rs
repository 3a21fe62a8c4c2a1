//! The time that reaching one host may take, not counting the time that a person needs for an answer.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// Time that is spent from the moment of its creation on, but for pauses.
#[derive(Clone)]
pub(super) struct Budget {
    limit: Duration,
    clock: Arc<Mutex<Clock>>,
}

struct Clock {
    deadline: Instant,
    paused: Option<Instant>,
}

/// The budget is used up.
#[derive(Debug)]
pub(super) struct Spent {
    /// What it was.
    pub(super) limit: Duration,
}

impl Budget {
    /// Starts to run.
    pub(super) fn new(limit: Duration) -> Self {
        let clock = Clock { deadline: Instant::now() + limit, paused: None };
        Self { limit, clock: Arc::new(Mutex::new(clock)) }
    }

    /// Does this within what is left.
    pub(super) async fn spend<T>(&self, work: impl Future<Output = T>) -> Result<T, Spent> {
        let mut work = std::pin::pin!(work);
        loop {
            // While the clock stands still, look again after another limit's worth.
            let until = self.with(|clock| clock.paused.map_or(clock.deadline, |_| Instant::now() + self.limit));
            match timeout_at(until, &mut work).await {
                Ok(done) => return Ok(done),
                Err(_) if self.with(|clock| clock.paused.is_none() && clock.deadline <= Instant::now()) => {
                    return Err(Spent { limit: self.limit });
                }
                Err(_) => {}
            }
        }
    }

    /// What is left, shared evenly between this many tries.
    pub(super) fn share(&self, tries: usize) -> Duration {
        let left = self.with(|clock| clock.deadline.saturating_duration_since(Instant::now()));
        left / u32::try_from(tries.max(1)).unwrap_or(u32::MAX)
    }

    /// Asks a person; the clock stands still meanwhile.
    pub(super) fn pause<T>(&self, ask: impl FnOnce() -> T) -> T {
        let _standing = self.stand();
        match tokio::runtime::Handle::current().runtime_flavor() {
            tokio::runtime::RuntimeFlavor::MultiThread => tokio::task::block_in_place(ask),
            _ => ask(),
        }
    }

    /// The clock stands still until the answer is dropped.
    pub(super) fn stand(&self) -> Standing<'_> {
        self.with(|clock| clock.paused = Some(Instant::now()));
        Standing(self)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Clock) -> T) -> T {
        act(&mut self.clock.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A clock that stands still.
pub(super) struct Standing<'a>(&'a Budget);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.with(|clock| {
            if let Some(since) = clock.paused.take() {
                clock.deadline += since.elapsed();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::Budget;

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_turn_shares_one_limit() {
        let budget = Budget::new(Duration::from_secs(5));
        let began = Instant::now();
        budget.spend(sleep(Duration::from_secs(3))).await.unwrap();
        assert_eq!(budget.share(2), Duration::from_secs(1));
        let spent = budget.spend(pending::<()>()).await.unwrap_err();
        assert_eq!((spent.limit, began.elapsed()), (Duration::from_secs(5), Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_a_person_needs_is_not_counted() {
        let budget = Budget::new(Duration::from_secs(5));
        let person = async {
            let _standing = budget.stand();
            sleep(Duration::from_mins(1)).await;
        };
        budget.spend(person).await.unwrap();
        assert_eq!(budget.share(1), Duration::from_secs(5));
        assert!(budget.spend(pending::<()>()).await.is_err());
    }
}
