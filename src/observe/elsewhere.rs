//! Questions that resources of one ground have to another: they go along in that ground's probe, and their answers come
//! back to who asked.

use std::collections::BTreeMap;

use super::{Answer, Ask, Reply};
use crate::lab::Ground;

/// What each ground is asked by itself, when each is to be asked `asks`: without the questions to others, and with those
/// that others have to it. A ground that only others ask about is there, too.
pub fn spread(asks: &BTreeMap<Ground, Vec<Ask>>) -> BTreeMap<Ground, Vec<Ask>> {
    let mut spread: BTreeMap<Ground, Vec<Ask>> = asks.keys().map(|ground| (ground.clone(), Vec::new())).collect();
    for (ground, asks) in asks {
        for ask in asks {
            let (ground, ask) = match ask {
                Ask::Elsewhere { ground, ask } => (ground, &**ask),
                ask => (ground, ask),
            };
            let there = spread.entry(ground.clone()).or_default();
            if !there.contains(ask) {
                there.push(ask.clone());
            }
        }
    }
    spread
}

/// Gives each ground the answers that it wanted of others; `why` tells why a ground has none.
pub fn gather(
    asks: &BTreeMap<Ground, Vec<Ask>>,
    replies: &mut BTreeMap<Ground, Reply>,
    why: impl Fn(&Ground) -> String,
) {
    for (ground, asks) in asks {
        for ask in asks {
            let Ask::Elsewhere { ground: other, ask: inner } = ask else { continue };
            let answer = match replies.get(other) {
                Some(reply) => reply.answer(inner),
                None => Answer::Lost(format!("{other}: {}", why(other))),
            };
            if let Some(reply) = replies.get_mut(ground) {
                reply.insert(ask.clone(), answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{gather, spread};
    use crate::lab::Ground;
    use crate::observe::{Answer, Ask, Output, Reply};

    fn node(name: &str) -> Ground {
        Ground::Node(name.to_owned())
    }

    #[test]
    fn a_question_to_another_ground_is_asked_there_once_and_answered_here() {
        let ca = Ask::run(["cat", "/ca.crt"]);
        let (own, there) = (Ask::run(["true"]), ca.clone().of(node("n5")));
        let asks = [(node("m1"), vec![own.clone(), there.clone()]), (node("n5"), vec![ca.clone()])].into();
        let spread = spread(&asks);
        assert_eq!((&spread[&node("m1")], &spread[&node("n5")]), (&vec![own], &vec![ca.clone()]));

        let output = Answer::Output(Output { stdout: b"CA".to_vec(), ..Output::default() });
        let reply: Reply = [(ca, output.clone())].into_iter().collect();
        let mut replies = [(node("n5"), reply), (node("m1"), Reply::default())].into();
        gather(&asks, &mut replies, |_| "off".to_owned());
        assert_eq!(replies[&node("m1")].answer(&there), output);
    }

    #[test]
    fn what_a_ground_that_is_off_would_say_is_lost_and_says_why() {
        let there = Ask::run(["cat", "/ca.crt"]).of(node("n5"));
        let asks = [(node("m1"), vec![there.clone()])].into();
        assert!(spread(&asks).contains_key(&node("n5")));
        let mut replies = [(node("m1"), Reply::default())].into();
        gather(&asks, &mut replies, |_| "it is off".to_owned());
        assert_eq!(replies[&node("m1")].answer(&there), Answer::Lost("n5: it is off".to_owned()));
    }
}
