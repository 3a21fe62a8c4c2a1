//! When a request is sent once more, and how long is waited before.
//!
//! | what came | again | may have been carried out |
//! |---|---|---|
//! | no connection | yes, but not where its certificate or its credentials are the reason | no |
//! | the connection broke, the answer is not whole | yes | yes |
//! | no answer within the limit | no | yes |
//! | 429, 503 | yes, when the server asks to be | no |
//! | 500, 502, 504 | yes, unless it is about the object | yes |
//! | 500: a webhook's service does not answer | yes, every two seconds, for as long as the step may take | no |
//! | any other status | never: it is an answer | no |
//!
//! What may have been carried out is never sent again without a look: each write holds for the resource version that was
//! seen, so a second one is refused where the first was done, and [`super::change`] looks at what is there then. A leg for
//! a node's shell is not sent again at all once a byte of it may have left; a question to one is, over a fresh connection,
//! where the one before broke in the middle of the answer.

use std::time::Duration;

use super::fault::Fault;
use super::probe::is_about_object;

/// Tries of one request.
const TRIES: u32 = 5;
/// The pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 200 });
/// The longest pause, and the longest that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The pause between tries of what a webhook must answer.
const WEBHOOK_PAUSE: Duration = Duration::from_secs(2);

/// How long a request may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// Whether a server that can't be reached is tried again.
    pub(super) for_connection: bool,
    /// How long an admission webhook may be waited for whose service does not answer yet.
    pub(super) for_webhook: Duration,
}

impl Patience {
    /// The first words to a server: one that is not there is said to be so at once.
    pub(super) const FIRST: Self = Self { for_connection: false, for_webhook: Duration::ZERO };
    /// For a plan.
    pub(super) const READING: Self = Self { for_connection: true, for_webhook: Duration::from_secs(4) };
    /// For an apply.
    pub(super) const ACTING: Self = Self { for_connection: true, for_webhook: Duration::from_mins(2) };
    /// For a wait, which tries again by itself.
    pub(super) const ONCE: Self = Self { for_connection: false, for_webhook: Duration::ZERO };

    /// How long to wait before the next try; none where there shall be none. `tries` were made since `waited`.
    pub(super) fn pause(self, fault: &Fault, tries: u32, waited: Duration) -> Option<Duration> {
        let pause = (FIRST_PAUSE * 2_u32.pow(tries.clamp(1, 10) - 1)).min(LONGEST_PAUSE);
        match fault {
            Fault::Refused { refusal, .. } if is_webhook_away(refusal.code, &refusal.message) => {
                (waited + WEBHOOK_PAUSE <= self.for_webhook).then_some(WEBHOOK_PAUSE)
            }
            _ if tries >= TRIES => None,
            Fault::Refused { refusal, retry_after } => match refusal.code {
                429 | 500 | 502 | 503 | 504 if !is_about_object(refusal) => {
                    Some(retry_after.map_or(pause, |asked| asked.clamp(pause, LONGEST_PAUSE)))
                }
                _ => None,
            },
            Fault::Unreachable { is_final, .. } => (self.for_connection && !is_final).then_some(pause),
            Fault::Lost { is_late, .. } => (!is_late && self != Self::ONCE).then_some(pause),
        }
    }
}

/// Whether the server could not ask an admission webhook because nothing answers there (yet). What a webhook answered
/// is its answer.
fn is_webhook_away(code: u16, message: &str) -> bool {
    const AWAY: [&str; 5] =
        ["connection refused", "no endpoints", "no route to host", "i/o timeout", "context deadline exceeded"];
    code == 500 && message.contains("failed calling webhook") && AWAY.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FIRST_PAUSE, Fault, Patience};
    use crate::observe::Refusal;

    fn refused(code: u16, message: &str, retry_after: Option<u64>) -> Fault {
        let refusal = Refusal { code, message: message.to_owned(), ..Refusal::default() };
        Fault::Refused { refusal, retry_after: retry_after.map(Duration::from_secs) }
    }

    const NO_TIME: Duration = Duration::ZERO;

    #[test]
    fn a_no_is_never_asked_again() {
        for code in [400, 401, 403, 404, 405, 409, 410, 415, 422, 501] {
            assert_eq!(Patience::ACTING.pause(&refused(code, "no", Some(1)), 1, NO_TIME), None, "{code}");
        }
        for message in
            ["failed to create typed patch object (x): .dta: field not declared", "failed calling webhook \"x\""]
        {
            assert_eq!(Patience::ACTING.pause(&refused(500, message, None), 1, NO_TIME), None, "{message}");
        }
    }

    #[test]
    fn a_busy_server_is_asked_again_when_it_wants_to_be_and_not_for_ever() {
        for code in [429, 500, 502, 503, 504] {
            let pause = |after, tries| Patience::READING.pause(&refused(code, "busy", after), tries, NO_TIME);
            assert_eq!(pause(Some(3), 1), Some(Duration::from_secs(3)));
            assert_eq!(pause(Some(3600), 1), Some(Duration::from_secs(10)));
            assert_eq!(pause(None, 3), Some(FIRST_PAUSE * 4));
            assert_eq!(pause(Some(1), 5), None);
        }
    }

    #[test]
    fn a_webhook_that_is_not_there_yet_is_waited_for_within_limits() {
        let away = refused(
            500,
            "Internal error: failed calling webhook \"x\": Post: dial tcp: connect: connection refused",
            None,
        );
        assert!(Patience::ACTING.pause(&away, 20, Duration::from_mins(1)).is_some());
        assert_eq!(Patience::ACTING.pause(&away, 20, Duration::from_secs(119)), None);
        assert_eq!(Patience::FIRST.pause(&away, 1, NO_TIME), None);
        let unfit = refused(500, "failed calling webhook \"x\": x509: certificate signed by unknown authority", None);
        assert_eq!(Patience::ACTING.pause(&unfit, 1, NO_TIME), None);
    }

    #[test]
    fn a_lost_connection_is_made_again_and_a_certificate_is_not_tried_twice() {
        let unreachable = |is_final| Fault::Unreachable { why: String::new(), help: None, is_final };
        assert!(Patience::READING.pause(&unreachable(false), 1, NO_TIME).is_some());
        assert_eq!(Patience::READING.pause(&unreachable(true), 1, NO_TIME), None);
        assert_eq!(Patience::FIRST.pause(&unreachable(false), 1, NO_TIME), None);
        assert!(Patience::ACTING.pause(&Fault::lost("reset"), 4, NO_TIME).is_some());
        assert_eq!(Patience::ACTING.pause(&Fault::Lost { why: String::new(), is_late: true }, 1, NO_TIME), None);
    }
}
