//! Reads the lab as it is: every ground at once; a node costs one probe, a cluster one list per kind.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::kinds::Declared;
use crate::lab::{Ground, Lab, Site};
use crate::observe::Reply;
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
    let limit = tokio::sync::Semaphore::new(parallelism.max(1));
    let reads: FuturesUnordered<_> = sites
        .into_iter()
        .map(|site| {
            let limit = &limit;
            async move {
                // The semaphore is never closed, so a permit always comes.
                let _permit = limit.acquire().await;
                let ground = site.ground();
                let seen = match read(lab, declared, site, &ground, transport).await {
                    Ok(reply) => Seen::Read(reply),
                    Err(ReachError::NotYet(why)) => Seen::NotYet(why),
                    Err(error) => Seen::Unreachable(error.to_string()),
                };
                (ground, seen)
            }
        })
        .collect();
    reads.collect().await
}

async fn read(
    lab: &Lab,
    declared: &[Declared],
    site: Site<'_>,
    ground: &Ground,
    transport: &dyn Transport,
) -> Result<Reply, ReachError> {
    let mut reply = transport.probe(ground, &marks::asks(lab, site, declared)).await?;
    for _ in 1..ROUNDS {
        let more = marks::further_asks(lab, site, declared, &reply);
        if more.is_empty() {
            break;
        }
        reply.extend(transport.probe(ground, &more).await?);
    }
    Ok(reply)
}
