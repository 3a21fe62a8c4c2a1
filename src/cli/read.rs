//! Reads the lab as it is: every node at once, one probe each.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::kinds::Declared;
use crate::lab::{Ground, Lab, Node};
use crate::observe::Reply;
use crate::plan::{Seen, marks};
use crate::transport::{ReachError, Transport};

/// What came of reading each of `nodes`. A second probe goes only where something left the file.
pub async fn nodes<'a>(
    lab: &Lab,
    declared: &[Declared],
    nodes: impl IntoIterator<Item = &'a Node>,
    transport: &dyn Transport,
    parallelism: usize,
) -> BTreeMap<Ground, Seen> {
    let limit = tokio::sync::Semaphore::new(parallelism.max(1));
    let reads: FuturesUnordered<_> = nodes
        .into_iter()
        .map(|node| {
            let limit = &limit;
            async move {
                // The semaphore is never closed, so a permit always comes.
                let _permit = limit.acquire().await;
                let ground = Ground::Node(node.name.clone());
                let seen = match read(lab, declared, node, &ground, transport).await {
                    Ok(reply) => Seen::Read(reply),
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
    node: &Node,
    ground: &Ground,
    transport: &dyn Transport,
) -> Result<Reply, ReachError> {
    let mut reply = transport.probe(ground, &marks::asks(node, declared)).await?;
    let more = marks::leftover_asks(lab, node, declared, &reply);
    if !more.is_empty() {
        reply.extend(transport.probe(ground, &more).await?);
    }
    Ok(reply)
}
