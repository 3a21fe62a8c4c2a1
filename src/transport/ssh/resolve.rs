//! From the lab file's `ssh` table to effective settings, as the user's own `ssh` would take them; the file wins.

use std::path::PathBuf;
use std::process::Stdio;

use super::effective::{Effective, Jump, Tokens};
use super::error::SshError;
use super::settings::{Identity, Origin, Settings, recorded_name};
use crate::lab;

/// The names that ssh tries, where no client is there to list them.
const DEFAULT_IDENTITIES: [&str; 3] = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"];
/// More jumps than this are a loop.
const MAX_JUMPS: usize = 8;

/// The ssh client that is asked, and the surroundings that it and labctl share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The program; `None` resolves from the lab file alone.
    pub program: Option<PathBuf>,
    /// `ssh -F`: the configuration file in place of `~/.ssh/config` and the system's; `none` for none at all.
    pub config: Option<PathBuf>,
    /// The user's home.
    pub home: PathBuf,
    /// The user's name on this machine.
    pub user: String,
    /// `$SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
}

impl Client {
    /// The `ssh` in `$PATH`; `$LABCTL_SSH_CONFIG` names a configuration for it in place of the user's own.
    pub fn from_env() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            program: Some(PathBuf::from("ssh")),
            config: path("LABCTL_SSH_CONFIG"),
            home: path("HOME").unwrap_or_else(|| PathBuf::from("/")),
            user: std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".to_owned()),
            agent: path("SSH_AUTH_SOCK"),
        }
    }
}

/// Effective settings for a node: asks `ssh -G` of the client in `$PATH` where there is one.
pub async fn resolve(node: &str, ssh: &lab::Ssh) -> Result<Settings, SshError> {
    resolve_with(&Client::from_env(), node, ssh).await
}

/// Effective settings for a node, with this client.
pub async fn resolve_with(client: &Client, node: &str, ssh: &lab::Ssh) -> Result<Settings, SshError> {
    let resolver = Resolver { client, node, ssh };
    let target = Jump { user: ssh.user.clone(), host: ssh.host.clone(), port: ssh.port };
    let (mut settings, configured) = resolver.host(&target, true).await?;
    settings.proxy_jump = match &ssh.proxy_jump {
        Some(jumps) => resolver.chain(&ssh.host, jumps, 0).await?,
        None => resolver.onward(&ssh.host, configured, 0).await?,
    };
    Ok(settings)
}

struct Resolver<'a> {
    client: &'a Client,
    node: &'a str,
    ssh: &'a lab::Ssh,
}

/// How the SSH configuration says a host is reached.
struct Onward {
    jump: Option<String>,
    command: Option<String>,
}

impl Resolver<'_> {
    /// The jump hosts of a list, each of which may have its own before it if it is the first.
    async fn chain(&self, host: &str, jumps: &str, depth: usize) -> Result<Vec<Settings>, SshError> {
        let bad = |jump: String, fault| SshError::Jump { host: host.to_owned(), jump, fault };
        if depth >= MAX_JUMPS {
            return Err(bad(jumps.to_owned(), "the jump hosts lead in a loop"));
        }
        let mut chain = Vec::new();
        for (i, jump) in Jump::parse_list(jumps).map_err(|(jump, fault)| bad(jump, fault))?.into_iter().enumerate() {
            let (settings, configured) = self.host(&jump, false).await?;
            if i == 0 {
                chain = Box::pin(self.onward(&jump.host, configured, depth + 1)).await?;
            }
            chain.push(settings);
        }
        Ok(chain)
    }

    async fn onward(&self, host: &str, configured: Onward, depth: usize) -> Result<Vec<Settings>, SshError> {
        match (configured.jump, configured.command) {
            (Some(jumps), _) => self.chain(host, &jumps, depth).await,
            (None, Some(command)) => {
                Err(SshError::Unsupported { host: host.to_owned(), setting: format!("ProxyCommand {command}") })
            }
            (None, None) => Ok(Vec::new()),
        }
    }

    /// One host, its jumps aside.
    async fn host(&self, host: &Jump, is_target: bool) -> Result<(Settings, Onward), SshError> {
        let effective = self.ask(host).await?.unwrap_or_default();
        let user = host.user.clone().or(effective.user.clone()).unwrap_or_else(|| self.client.user.clone());
        let name = effective.host.clone().unwrap_or_else(|| host.host.clone());
        let port = host.port.or(effective.port).unwrap_or(22);
        let tokens = Tokens {
            home: self.client.home.to_string_lossy().into_owned(),
            host_key_alias: effective.host_key_alias.clone().unwrap_or_else(|| name.clone()),
            host: name.clone(),
            original_host: host.host.clone(),
            port,
            user: user.clone(),
            local_user: self.client.user.clone(),
        };
        let settings = Settings {
            node: self.node.to_owned(),
            host: name,
            port,
            user,
            identities: self.identities(&effective, &tokens),
            certificates: effective.certificates.iter().map(|path| tokens.expand(path).into()).collect(),
            agent: self.agent(&effective, &tokens),
            identities_only: effective.identities_only,
            known_hosts: self.known_hosts(&effective, &tokens, is_target),
            hash_known_hosts: effective.hash_known_hosts,
            host_key_alias: effective.host_key_alias.clone(),
            also_known_as: self.previous().filter(|_| is_target).into_iter().collect(),
            host_key: self.ssh.host_key.clone().filter(|_| is_target),
            proxy_jump: Vec::new(),
            connect_timeout: self.ssh.connect_timeout,
            command_timeout: self.ssh.command_timeout,
            keepalive: self.ssh.keepalive,
        };
        Ok((settings, Onward { jump: effective.proxy_jump, command: effective.proxy_command }))
    }

    /// Where the node was before its address changed; its host key is the same.
    fn previous(&self) -> Option<String> {
        let previous = Jump::parse(self.ssh.previous.as_ref()?).ok()?;
        Some(recorded_name(&previous.host, previous.port.unwrap_or(22)))
    }

    fn identities(&self, effective: &Effective, tokens: &Tokens) -> Vec<Identity> {
        let identity = |path: &str, origin| Identity { path: tokens.expand(path).into(), origin };
        let mut identities: Vec<_> = self.ssh.identity.iter().map(|path| identity(path, Origin::Lab)).collect();
        let listed: Vec<&str> = effective.identities.iter().map(String::as_str).collect();
        let others = if listed.is_empty() { DEFAULT_IDENTITIES.to_vec() } else { listed };
        for other in others {
            let other = identity(other, Origin::Client);
            if !identities.iter().any(|known| known.path == other.path) {
                identities.push(other);
            }
        }
        identities
    }

    /// The lab file's `known_hosts` stands in for the user's; a jump host may be known to either.
    fn known_hosts(&self, effective: &Effective, tokens: &Tokens, is_target: bool) -> Vec<PathBuf> {
        let expand = |path: &String| PathBuf::from(tokens.expand(path));
        let mut files: Vec<PathBuf> = self.ssh.known_hosts.iter().map(expand).collect();
        if files.is_empty() || !is_target {
            match &effective.user_known_hosts {
                Some(listed) => files.extend(listed.iter().map(expand)),
                None => files.push(tokens.expand("~/.ssh/known_hosts").into()),
            }
        }
        match &effective.global_known_hosts {
            Some(listed) => files.extend(listed.iter().map(expand)),
            None => files.push("/etc/ssh/ssh_known_hosts".into()),
        }
        files
    }

    fn agent(&self, effective: &Effective, tokens: &Tokens) -> Option<PathBuf> {
        match effective.agent.as_deref() {
            None | Some("SSH_AUTH_SOCK") => self.client.agent.clone(),
            Some(none) if none.eq_ignore_ascii_case("none") => None,
            Some(variable) if variable.starts_with('$') => {
                let name = variable.trim_start_matches('$').trim_matches(['{', '}']);
                std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
            }
            Some(path) => Some(tokens.expand(path).into()),
        }
    }

    /// Runs `ssh -G`; `None` where no ssh client is installed.
    async fn ask(&self, host: &Jump) -> Result<Option<Effective>, SshError> {
        let Some(program) = &self.client.program else { return Ok(None) };
        let mut arguments = vec!["-G".to_owned()];
        let mut option = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
        if let Some(config) = &self.client.config {
            option("-F", config.to_string_lossy().into_owned());
        }
        if let Some(port) = host.port {
            option("-p", port.to_string());
        }
        if let Some(user) = &host.user {
            option("-l", user.clone());
        }
        arguments.extend(["--".to_owned(), host.host.clone()]);
        let failed = |message: String| SshError::Config {
            command: format!("{} {}", program.display(), arguments.join(" ")),
            message,
        };
        let mut command = tokio::process::Command::new(program);
        command.args(&arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(self.ssh.connect_timeout, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => {
                return Err(failed("no answer in time (does a `Match exec` in your SSH configuration hang?)".into()));
            }
        };
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(Some(Effective::parse(&String::from_utf8_lossy(&output.stdout))))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Client, resolve_with};
    use crate::lab;
    use crate::transport::ssh::{Origin, Settings, SshError};

    fn ssh() -> lab::Ssh {
        lab::Ssh::to("192.168.4.5")
    }

    /// A machine without an ssh client.
    async fn resolve(ssh: &lab::Ssh) -> Result<Settings, SshError> {
        let client = Client {
            program: Some("/nonexistent/ssh".into()),
            config: None,
            home: "/home/me".into(),
            user: "me".to_owned(),
            agent: Some("/run/agent".into()),
        };
        resolve_with(&client, "n5", ssh).await
    }

    #[tokio::test]
    async fn without_an_ssh_client_the_file_and_sshs_own_defaults_hold() {
        let settings = resolve(&ssh()).await.unwrap();
        assert_eq!((settings.user.as_str(), settings.port, settings.node.as_str()), ("me", 22, "n5"));
        assert_eq!(settings.agent, Some(PathBuf::from("/run/agent")));
        assert_eq!(settings.known_hosts[0], PathBuf::from("/home/me/.ssh/known_hosts"));
        let names: Vec<_> = settings.identities.iter().map(|identity| identity.path.display().to_string()).collect();
        assert_eq!(names, ["/home/me/.ssh/id_ed25519", "/home/me/.ssh/id_ecdsa", "/home/me/.ssh/id_rsa"]);
    }

    #[tokio::test]
    async fn what_the_file_says_comes_first() {
        let named = |text: &str| Some(text.to_owned());
        let declared = lab::Ssh {
            port: Some(2222),
            user: named("jax"),
            identity: named("~/.ssh/id_rsa"),
            known_hosts: named("~/lab_hosts"),
            ..ssh()
        };
        let settings = resolve(&declared).await.unwrap();
        assert_eq!(settings.known_as(), "[192.168.4.5]:2222");
        assert_eq!(settings.known_hosts[0], PathBuf::from("/home/me/lab_hosts"));
        assert!(!settings.known_hosts.contains(&PathBuf::from("/home/me/.ssh/known_hosts")));
        let first = &settings.identities[0];
        assert_eq!((first.path.to_str(), first.origin), (Some("/home/me/.ssh/id_rsa"), Origin::Lab));
        assert_eq!(settings.identities.len(), 3);
    }

    #[tokio::test]
    async fn jump_hosts_are_hosts_of_their_own_and_the_pin_is_not_theirs() {
        let declared = lab::Ssh {
            user: Some("jax".to_owned()),
            known_hosts: Some("~/lab_hosts".to_owned()),
            proxy_jump: Some("ops@bastion:2200,second".to_owned()),
            host_key: Some("SHA256:x".to_owned()),
            ..ssh()
        };
        let settings = resolve(&declared).await.unwrap();
        let jumps: Vec<_> =
            settings.proxy_jump.iter().map(|jump| (jump.user.as_str(), jump.host.as_str(), jump.port)).collect();
        assert_eq!(jumps, [("ops", "bastion", 2200), ("me", "second", 22)]);
        assert!(settings.proxy_jump.iter().all(|jump| jump.host_key.is_none() && jump.proxy_jump.is_empty()));
        let files = &settings.proxy_jump[0].known_hosts;
        assert!(files.starts_with(&["/home/me/lab_hosts".into(), "/home/me/.ssh/known_hosts".into()]));
    }

    #[tokio::test]
    async fn a_node_that_moved_is_known_under_its_previous_address_too() {
        let settings = resolve(&lab::Ssh { previous: Some("192.168.1.5:2222".to_owned()), ..ssh() }).await.unwrap();
        assert_eq!(settings.also_known_as, ["[192.168.1.5]:2222"]);
    }

    #[tokio::test]
    async fn a_jump_that_is_no_host_is_named() {
        let error = resolve(&lab::Ssh { proxy_jump: Some("bastion:ssh".to_owned()), ..ssh() }).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "bad jump host `bastion:ssh` for `192.168.4.5`: the port is no number from 1 to 65535"
        );
    }
}
