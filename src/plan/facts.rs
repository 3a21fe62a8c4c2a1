//! What a plan reads of a ground itself, besides its resources: who holds it, what was last applied to it, and the
//! versions of what works there. It is asked in the same probe as everything else.

use std::collections::BTreeMap;

use super::applied::{self, Applied};
use super::lock::{self, Held};
use crate::lab::{Lab, Site};
use crate::observe::{Ask, Reply};

/// What is known of a ground.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Versions by tool: `kernel`, `zfs`. What could not be told is not there.
    pub tools: BTreeMap<String, String>,
    /// Who holds its lock.
    pub lock: Option<Held>,
    /// What was last applied to it.
    pub applied: Option<Applied>,
    /// A Linux machine's own id (`machine-id(5)`).
    pub machine: Option<String>,
    /// What tells one start of a Linux machine from the next.
    pub boot: Option<String>,
}

/// What to ask for them.
pub fn asks(lab: &Lab, site: Site<'_>) -> Vec<Ask> {
    let mut asks: Vec<Ask> = tools(lab, site).into_iter().map(|(_, ask)| ask).collect();
    asks.push(lock::ask(site));
    if let Some(node) = site.node() {
        asks.extend([applied::ask(lab, node), machine(), boot()]);
    }
    asks
}

/// What the answers tell.
pub fn read(lab: &Lab, site: Site<'_>, reply: &Reply) -> Facts {
    let printed = |ask: &Ask| {
        let output = reply.output(ask).ok().filter(|output| output.code == 0)?;
        Some(output.text().trim().to_owned()).filter(|text| !text.is_empty())
    };
    let lock = lock::read(site, reply).ok().flatten();
    let Some(node) = site.node() else {
        return Facts { lock, applied: applied::of_cluster(lab, reply), ..Facts::default() };
    };
    let tools = tools(lab, site).into_iter().filter_map(|(tool, ask)| Some((tool.to_owned(), printed(&ask)?)));
    let applied = applied::read(lab, node, reply);
    Facts { tools: tools.collect(), lock, applied, machine: printed(&machine()), boot: printed(&boot()) }
}

/// The tools whose versions matter on a ground, and what asks for each.
fn tools(lab: &Lab, site: Site<'_>) -> Vec<(&'static str, Ask)> {
    let Some(node) = site.node() else { return Vec::new() };
    let mut tools = vec![("kernel", Ask::run(["uname", "-sr"]))];
    if lab.pools.values().any(|pool| pool.node.value == node.name) {
        // OpenZFS, module parameters: the version of the module that is loaded.
        tools.push(("zfs", Ask::run(["cat", "/sys/module/zfs/version"])));
    }
    tools
}

fn boot() -> Ask {
    Ask::run(["cat", "/proc/sys/kernel/random/boot_id"])
}

fn machine() -> Ask {
    Ask::run(["cat", "/etc/machine-id"])
}
