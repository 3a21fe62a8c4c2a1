//! Reads the lab as it is: every ground at once; a node costs one probe, a cluster one list per kind.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::kinds::Declared;
use crate::lab::{Ground, Lab, Site};
use crate::observe::{Ask, Reply, elsewhere};
use crate::plan::{Seen, marks};
use crate::transport::{ReachError, Transport};

/// How often a ground is asked: what is declared, what that leads to, what a difference would become, and one more for
/// whoever asks what else would go with it.
const ROUNDS: usize = 5;

/// What came of reading each of `sites`. More than one probe goes only where something left the file or is to change.
pub async fn grounds<'a>(
    lab: &Lab,
    declared: &[Declared],
    sites: impl IntoIterator<Item = Site<'a>>,
    transport: &dyn Transport,
    parallelism: usize,
) -> BTreeMap<Ground, Seen> {
    let asks: BTreeMap<Ground, Vec<Ask>> =
        sites.into_iter().map(|site| (site.ground(), marks::asks(lab, site, declared))).collect();
    let first = elsewhere::spread(&asks);
    let limit = tokio::sync::Semaphore::new(parallelism.max(1));
    let reads: FuturesUnordered<_> = first
        .iter()
        .filter_map(|(ground, asks)| Some((lab.site(ground)?, ground, asks)))
        .map(|(site, ground, first)| {
            let (limit, is_wanted) = (&limit, asks.contains_key(ground));
            async move {
                // The semaphore is never closed, so a permit always comes.
                let _permit = limit.acquire().await;
                let further = is_wanted.then_some(declared);
                (ground.clone(), read(lab, site, ground, first, further, transport).await)
            }
        })
        .collect();
    let (mut replies, mut errors) = (BTreeMap::new(), BTreeMap::new());
    for (ground, read) in reads.collect::<Vec<_>>().await {
        match read {
            Ok(reply) => drop(replies.insert(ground, reply)),
            Err(error) => drop(errors.insert(ground, error)),
        }
    }
    let why = |ground: &Ground| errors.get(ground).map_or("it was not read".to_owned(), ToString::to_string);
    elsewhere::gather(&asks, &mut replies, why);
    let replies = replies.into_iter().map(|(ground, reply)| (ground, Seen::Read(reply)));
    let errors = errors.into_iter().map(|(ground, error)| match error {
        ReachError::NotYet(why) => (ground, Seen::NotYet(why)),
        error => (ground, Seen::Unreachable(error.to_string())),
    });
    replies.chain(errors).filter(|(ground, _)| asks.contains_key(ground)).collect()
}

/// The answers to the first questions, and to those that they lead to.
async fn read(
    lab: &Lab,
    site: Site<'_>,
    ground: &Ground,
    first: &[Ask],
    further: Option<&[Declared]>,
    transport: &dyn Transport,
) -> Result<Reply, ReachError> {
    let mut reply = transport.probe(ground, first).await?;
    for _ in 1..ROUNDS {
        let more = further.map(|declared| marks::further_asks(lab, site, declared, &reply)).unwrap_or_default();
        if more.is_empty() {
            break;
        }
        reply.extend(transport.probe(ground, &more).await?);
    }
    Ok(reply)
}
