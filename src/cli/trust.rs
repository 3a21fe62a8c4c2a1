//! `labctl trust NODE`: shows the host key that the node offers, asks, and records it in known_hosts.

use super::args::{Cli, TrustArgs};
use super::exit::{Exit, Failure};
use super::stage;
use super::terminal::Terminal;
use crate::lab::Connection;
use crate::local::AtTerminal;
use crate::transport::ssh::{self, Offered, SshError, Trust};

pub(super) async fn run(cli: &Cli, args: &TrustArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stage = stage::stage(cli, terminal)?;
    let Some(node) = stage.lab.nodes.get(&args.node) else {
        return Err(Failure::error(format!("there is no `[nodes.{}]`", args.node)));
    };
    let Connection::Ssh(ssh) = &node.connection else {
        return Err(Failure::error(format!("`{}` is this machine: there is no host key to trust", node.name)));
    };
    let settings = ssh::resolve(&node.name, ssh).await.map_err(|error| failure(&error))?;
    loop {
        let offered = ssh::fetch_host_key(&settings, &AtTerminal::detect()).await.map_err(|error| failure(&error))?;
        if let Some(objection) = offered.objection() {
            return Err(failure(&objection));
        }
        let at = offered.settings.endpoint();
        if let Trust::Known | Trust::Pinned = offered.trust {
            terminal.print(&format!("{at} is trusted: {} {}\n", offered.key_type, offered.fingerprint));
            return Ok(Exit::Done);
        }
        // Jump hosts on the way come first, one by one.
        accept(&node.name, &offered, args, terminal)?;
        offered.record().map_err(|error| failure(&error))?;
        let file = offered.file().map(|file| file.display().to_string()).unwrap_or_default();
        terminal.print(&format!("Recorded {at} in {file}.\n"));
    }
}

/// Whether a person, or the fingerprint that was typed, says yes.
fn accept(node: &str, offered: &Offered, args: &TrustArgs, terminal: Terminal) -> Result<(), Failure> {
    let at = offered.settings.endpoint();
    terminal.say(&format!("{at} offers this {} key:\n  {}\n", offered.key_type, offered.fingerprint));
    let question = "Compare it with what the host itself says (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`).\n\
                    Is it this one? Only 'yes' will be accepted: ";
    let is_accepted = match &args.fingerprint {
        Some(expected) => *expected == offered.fingerprint,
        None if terminal.is_interactive => terminal.ask(question).as_deref() == Some("yes"),
        None => {
            let words = format!(
                "there is nobody to ask; if the fingerprint is right: labctl trust {node} --fingerprint {}",
                offered.fingerprint
            );
            return Err(Failure::error(words));
        }
    };
    if is_accepted { Ok(()) } else { Err(Failure::error("the key was not accepted; nothing was recorded")) }
}

fn failure(error: &SshError) -> Failure {
    let exit = if error.is_unreachable() { Exit::Unreachable } else { Exit::Error };
    let help = error.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    Failure::new(exit, format!("{error}{help}"))
}
