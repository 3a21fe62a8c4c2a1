//! A node's shell over SSH, as root through sudo where the file says so.
//!
//! The password goes on stdin before the script. Where sudo doesn't want one after all (no password set for it, a
//! cached ticket) it must not fall into the hands of `sh`, which would print it: so the command that sudo starts skips
//! lines until one that only labctl can know, and hands the rest to `sh`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::Access;
use super::contents::Contents;
use super::link::Exec;
use super::outcome::ReachError;
use super::ssh::{Kind, Prompt, Session, SshError};
use crate::lab::{Content, Part, Ssh};

/// A session and how it becomes root.
pub(super) struct SshShell {
    pub(super) session: Session,
    root: Root,
}

/// How a script gets the rights it needs.
enum Root {
    /// The login's rights are what there is.
    Login,
    /// sudo; the password is looked for when sudo asks for one.
    Sudo {
        node: String,
        given: Option<Zeroizing<String>>,
        ask: Arc<dyn Prompt>,
        asked: OnceCell<Option<Zeroizing<String>>>,
    },
}

impl SshShell {
    pub(super) fn new(
        node: &str,
        session: Session,
        ssh: &Ssh,
        access: &Access,
        contents: &Contents<'_>,
    ) -> Result<Self, ReachError> {
        if access.read_only || !ssh.sudo {
            return Ok(Self { session, root: Root::Login });
        }
        let given = ssh.sudo_password.as_ref().map(|name| password(&name.value, contents)).transpose()?;
        let ask = Arc::clone(&access.prompt);
        Ok(Self { session, root: Root::Sudo { node: node.to_owned(), given, ask, asked: OnceCell::new() } })
    }

    pub(super) async fn exec(&self, nonce: &str, script: &[u8], limit: Duration) -> Result<Exec, ReachError> {
        match &self.root {
            Root::Login => self.send("sh -s", script.to_vec(), limit).await,
            Root::Sudo { given: Some(password), .. } => self.with_password(nonce, password, script, limit).await,
            Root::Sudo { given: None, node, ask, asked } => {
                if let Some(Some(password)) = asked.get() {
                    return self.with_password(nonce, password, script, limit).await;
                }
                let exec = self.send("sudo -n sh -s", script.to_vec(), limit).await?;
                if !exec.stdout.is_empty() || !exec.stderr.contains("a password is required") {
                    return Ok(exec);
                }
                let question = format!("sudo password for {node}: ");
                match asked.get_or_init(|| async { ask.password(&question) }).await {
                    Some(password) => self.with_password(nonce, password, script, limit).await,
                    None => Ok(exec),
                }
            }
        }
    }

    async fn with_password(
        &self,
        nonce: &str,
        password: &str,
        script: &[u8],
        limit: Duration,
    ) -> Result<Exec, ReachError> {
        let command = format!(
            "sudo -S -p '' sh -c 'while IFS= read -r line; do [ \"$line\" != \"#{nonce}\" ] || exec sh -s; done; exit 1'"
        );
        let mut stdin = Vec::with_capacity(password.len() + nonce.len() + script.len() + 3);
        stdin.extend_from_slice(password.as_bytes());
        stdin.extend_from_slice(format!("\n#{nonce}\n").as_bytes());
        stdin.extend_from_slice(script);
        self.send(&command, stdin, limit).await
    }

    /// The session wipes what it has sent.
    async fn send(&self, command: &str, stdin: Vec<u8>, limit: Duration) -> Result<Exec, ReachError> {
        match self.session.exec(command, stdin, limit).await {
            Ok(output) => Ok(Exec {
                stdout: output.stdout,
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
                broken: None,
            }),
            // What had been done before the end is known all the same.
            Err(error) => match error.partial() {
                Some(partial) if !partial.stdout.is_empty() => Ok(Exec {
                    stdout: partial.stdout.clone(),
                    stderr: String::from_utf8_lossy(&partial.stderr).into_owned(),
                    broken: Some(error.to_string()),
                }),
                _ => Err(reach(&error)),
            },
        }
    }
}

fn password(name: &crate::lab::SecretName, contents: &Contents<'_>) -> Result<Zeroizing<String>, ReachError> {
    let bytes = contents.bytes(&Content::Parts(vec![Part::Secret(name.clone())]))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| ReachError::Secret(format!("the secret `{name}` is no text")))?;
    if text.contains('\n') {
        return Err(ReachError::Secret(format!("the secret `{name}` has several lines; a password has one")));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// The words of an SSH error with its remedy.
pub(super) fn reach(error: &SshError) -> ReachError {
    let words = match error.help() {
        Some(help) => format!("{error}\n    help: {help}"),
        None => error.to_string(),
    };
    match error.kind() {
        // They are there and say no, or may not be trusted: no node that is away, and not to be asked once more.
        Kind::HostKey | Kind::Login | Kind::Settings => ReachError::Denied(words),
        Kind::Unreachable | Kind::Command => ReachError::Unreachable(words),
    }
}

#[cfg(test)]
mod tests {
    use super::reach;
    use crate::transport::ReachError;
    use crate::transport::ssh::SshError;

    #[test]
    fn a_node_that_lets_nobody_in_is_not_away() {
        let login = SshError::EncryptedKey { path: "/k".into() };
        assert!(matches!(reach(&login), ReachError::Denied(why) if why.contains("encrypted")));
        let settings = SshError::Unsupported { host: "n5".to_owned(), setting: "ProxyCommand x".to_owned() };
        assert!(matches!(reach(&settings), ReachError::Denied(_)));
        let source = std::io::Error::other("no such name");
        let away = SshError::NameNotFound { host: "n5".to_owned(), source };
        assert!(matches!(reach(&away), ReachError::Unreachable(_)));
    }
}
