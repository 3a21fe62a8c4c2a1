//! `labctl kubeconfig`: what other programs need to reach the lab's clusters, and a tunnel that carries them.

use std::sync::Arc;

use serde_json::Value;

use super::args::{Cli, KubeconfigArgs};
use super::exit::{Exit, Failure};
use super::signals;
use super::stage::{self, Stage};
use super::terminal::Terminal;
use crate::local;
use crate::transport::{Access, Forward, Handed, ReachError, RealLab};

pub(super) async fn run(cli: &Cli, args: &KubeconfigArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    let names = clusters(&stage, args)?;
    let values = local::Values::new(&stage.lab, Arc::clone(&stage.sources));
    let access = Access { read_only: false, prompt: Arc::new(local::AtTerminal::detect()) };
    let lab = RealLab::new(&stage.lab, Arc::new(values), access);
    let (mut whole, mut forwards) = (Value::Null, Vec::new());
    for name in &names {
        let (handed, forward) = one(&lab, name, args).await?;
        forwards.extend(forward);
        whole = crate::kubernetes::merged_kubeconfig(&whole, &handed.document()).map_err(Failure::error)?;
    }
    give(args, &whole, &names, terminal)?;
    if forwards.is_empty() {
        return Ok(Exit::Done);
    }
    for (name, forward) in names.iter().zip(&forwards) {
        let port = forward.port();
        terminal.say(&format!("{name}: https://127.0.0.1:{port} as long as this runs; Ctrl-C ends it.\n"));
    }
    carry(forwards, terminal).await;
    Ok(Exit::Done)
}

/// The clusters that were asked for, each once.
fn clusters(stage: &Stage, args: &KubeconfigArgs) -> Result<Vec<String>, Failure> {
    let known: Vec<&str> = stage.lab.clusters.keys().map(String::as_str).collect();
    if known.is_empty() {
        return Err(Failure::error("there is no cluster in this lab: declare one in `[clusters.NAME]`"));
    }
    if let Some(unknown) = args.clusters.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::error(format!("there is no `[clusters.{unknown}]`; there are {}", known.join(", "))));
    }
    let mut names =
        if args.clusters.is_empty() { stage.lab.clusters.keys().cloned().collect() } else { args.clusters.clone() };
    names.sort();
    names.dedup();
    if args.port != 0 && names.len() > 1 {
        return Err(Failure::error("`--port` is for one cluster; name it"));
    }
    Ok(names)
}

async fn one(lab: &RealLab, name: &str, args: &KubeconfigArgs) -> Result<(Handed, Option<Forward>), Failure> {
    let unreachable = |error: ReachError| Failure::new(Exit::Unreachable, error.to_string());
    if !args.tunnel {
        return Ok((lab.kubeconfig(name).await.map_err(unreachable)?, None));
    }
    match lab.tunnel(name, args.port).await.map_err(unreachable)? {
        Some((handed, forward)) => Ok((handed, Some(forward))),
        None => Err(Failure::error(format!(
            "`{name}` is reached without a node, so there is nothing to carry: leave `--tunnel` out"
        ))),
    }
}

/// Prints the kubeconfig, or puts it where it belongs.
fn give(args: &KubeconfigArgs, whole: &Value, names: &[String], terminal: Terminal) -> Result<(), Failure> {
    if !args.merge {
        let yaml = serde_saphyr::to_string(whole).map_err(|error| Failure::error(error.to_string()))?;
        terminal.print(&yaml);
        return Ok(());
    }
    let path = args.into.clone().map_or_else(|| local::kubeconfig::own().map_err(Failure::error), Ok)?;
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let copy = local::kubeconfig::merge(&path, whole, &now).map_err(Failure::error)?;
    let kept = copy.map(|copy| format!(" (what was there: `{}`)", copy.display())).unwrap_or_default();
    terminal.say(&format!("`{}` has {}{kept}\n", path.display(), names.join(", ")));
    Ok(())
}

/// Carries connections until somebody interrupts.
async fn carry(forwards: Vec<Forward>, terminal: Terminal) {
    let mut interrupts = signals::interrupts();
    let carrying =
        futures::future::join_all(forwards.iter().map(|forward| forward.carry(move |why| terminal.warn(&why))));
    tokio::select! {
        _ = carrying => {}
        _ = interrupts.recv() => {}
    }
}
