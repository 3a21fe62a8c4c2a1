//! Reads what `ssh -G` prints. Text in, values out; no I/O.
//!
//! Versions differ in which keys they print, and all of them print paths with spaces unquoted; what is missing has the
//! default of `ssh_config(5)`.

/// The part of `ssh -G`'s output that labctl follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Effective {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) identities: Vec<String>,
    pub(super) certificates: Vec<String>,
    /// `IdentityAgent`: `none`, `SSH_AUTH_SOCK`, `$NAME` or a path.
    pub(super) agent: Option<String>,
    pub(super) identities_only: bool,
    pub(super) user_known_hosts: Option<Vec<String>>,
    pub(super) global_known_hosts: Option<Vec<String>>,
    pub(super) host_key_alias: Option<String>,
    pub(super) hash_known_hosts: bool,
    pub(super) proxy_jump: Option<String>,
    pub(super) proxy_command: Option<String>,
}

impl Effective {
    /// Takes `key value` lines.
    pub(super) fn parse(text: &str) -> Self {
        let mut effective = Self::default();
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once(' ') else { continue };
            effective.set(&key.to_ascii_lowercase(), value.trim());
        }
        effective
    }

    fn set(&mut self, key: &str, value: &str) {
        let some = || (!value.eq_ignore_ascii_case("none")).then(|| value.to_owned());
        match key {
            "hostname" => self.host = Some(value.to_owned()),
            "port" => self.port = value.parse().ok(),
            "user" => self.user = Some(value.to_owned()),
            "identityfile" => self.identities.extend(some()),
            "certificatefile" => self.certificates.extend(some()),
            "identityagent" => self.agent = Some(value.to_owned()),
            "identitiesonly" => self.identities_only = is_yes(value),
            "userknownhostsfile" => self.user_known_hosts = Some(paths(value)),
            "globalknownhostsfile" => self.global_known_hosts = Some(paths(value)),
            "hostkeyalias" => self.host_key_alias = some(),
            "hashknownhosts" => self.hash_known_hosts = is_yes(value),
            "proxyjump" => self.proxy_jump = some(),
            "proxycommand" => self.proxy_command = some(),
            _ => {}
        }
    }
}

fn is_yes(value: &str) -> bool {
    value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true")
}

/// Several paths on one line. A word that does not look like the start of a path belongs to the path before it.
fn paths(value: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for word in value.split(' ').filter(|word| !word.is_empty()) {
        match paths.last_mut() {
            Some(last) if !word.starts_with(['/', '~', '%', '$']) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => paths.push(word.to_owned()),
        }
    }
    paths.retain(|path| !path.eq_ignore_ascii_case("none"));
    paths
}

/// A jump host as it is written: `[user@]host[:port]` or `ssh://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Jump {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Jump {
    /// Reads one of the list.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let text = text.strip_prefix("ssh://").unwrap_or(text);
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, text),
        };
        let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
            let (host, after) = bracketed.split_once(']').ok_or("`[` without `]`")?;
            (host, after.strip_prefix(':').filter(|port| !port.is_empty()))
        } else {
            match rest.split_once(':') {
                // More than one colon is an IPv6 address without brackets.
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (rest, None),
            }
        };
        if host.is_empty() || host.starts_with('-') {
            return Err("there is no host name");
        }
        let port = port.map(|port| port.parse().map_err(|_| "the port is no number from 1 to 65535")).transpose()?;
        Ok(Self { user, host: host.to_owned(), port })
    }

    /// Reads a comma-separated list; `none` is an empty one.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, (String, &'static str)> {
        if text.trim().eq_ignore_ascii_case("none") || text.trim().is_empty() {
            return Ok(Vec::new());
        }
        text.split(',').map(|jump| Self::parse(jump).map_err(|fault| (jump.trim().to_owned(), fault))).collect()
    }
}

/// What the `%` tokens of paths stand for, as `ssh_config(5)` lists them under TOKENS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    /// `%d` and `~`.
    pub(super) home: String,
    /// `%h`.
    pub(super) host: String,
    /// `%n`.
    pub(super) original_host: String,
    /// `%p`.
    pub(super) port: u16,
    /// `%r`.
    pub(super) user: String,
    /// `%u`.
    pub(super) local_user: String,
    /// `%k`.
    pub(super) host_key_alias: String,
}

impl Tokens {
    /// Replaces a leading `~` and the tokens. A token that is not known stays as it is.
    pub(super) fn expand(&self, path: &str) -> String {
        let mut text = String::with_capacity(path.len());
        let rest = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                text.push_str(&self.home);
                rest
            }
            _ => path,
        };
        let mut characters = rest.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                text.push(character);
                continue;
            }
            match characters.next() {
                Some('%') => text.push('%'),
                Some('d') => text.push_str(&self.home),
                Some('h') => text.push_str(&self.host),
                Some('n') => text.push_str(&self.original_host),
                Some('p') => text.push_str(&self.port.to_string()),
                Some('r') => text.push_str(&self.user),
                Some('u') => text.push_str(&self.local_user),
                Some('k') => text.push_str(&self.host_key_alias),
                other => {
                    text.push('%');
                    text.extend(other);
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Effective, Jump, Tokens};

    #[test]
    fn what_ssh_prints_is_read_whatever_the_version_leaves_out() {
        let text = "user jax\nhostname 192.168.4.5\nport 2222\nidentitiesonly yes\nidentityagent none\n\
                    identityfile ~/.ssh/a\nidentityfile ~/.ssh/with space\nidentityfile none\nhashknownhosts yes\n\
                    userknownhostsfile /home/jax/.ssh/known_hosts /tmp/with space/hosts ~/other\n\
                    globalknownhostsfile none\nproxyjump jax@bastion:2222,b2\nhostkeyalias five\nnewkey of a new version\n";
        let read = Effective::parse(text);
        assert_eq!(
            (read.host.as_deref(), read.port, read.user.as_deref()),
            (Some("192.168.4.5"), Some(2222), Some("jax"))
        );
        assert_eq!(read.identities, ["~/.ssh/a", "~/.ssh/with space"]);
        assert!(read.identities_only && read.hash_known_hosts);
        let files = ["/home/jax/.ssh/known_hosts", "/tmp/with space/hosts", "~/other"].map(str::to_owned);
        assert_eq!(read.user_known_hosts, Some(files.to_vec()));
        assert_eq!(read.global_known_hosts, Some(Vec::new()));
        assert_eq!(read.proxy_jump.as_deref(), Some("jax@bastion:2222,b2"));
        assert_eq!(Effective::parse(""), Effective::default());
    }

    #[test]
    fn a_jump_is_read_as_ssh_reads_it() {
        let jump = |user: Option<&str>, host: &str, port| {
            Ok(Jump { user: user.map(str::to_owned), host: host.to_owned(), port })
        };
        for (text, expected) in [
            ("bastion", jump(None, "bastion", None)),
            (" jax@bastion:2222 ", jump(Some("jax"), "bastion", Some(2222))),
            ("me@corp@bastion", jump(Some("me@corp"), "bastion", None)),
            ("ssh://jax@[fe80::1]:22", jump(Some("jax"), "fe80::1", Some(22))),
            ("fe80::1", jump(None, "fe80::1", None)),
            ("[fe80::1]", jump(None, "fe80::1", None)),
            ("bastion:ssh", Err("the port is no number from 1 to 65535")),
            ("jax@", Err("there is no host name")),
            ("-oProxyCommand=x", Err("there is no host name")),
            ("[fe80::1", Err("`[` without `]`")),
        ] {
            assert_eq!(Jump::parse(text), expected, "{text}");
        }
        assert_eq!(Jump::parse_list("none"), Ok(Vec::new()));
        assert_eq!(Jump::parse_list("a,b").map(|list| list.len()), Ok(2));
        assert_eq!(Jump::parse_list("a,,b"), Err((String::new(), "there is no host name")));
    }

    #[test]
    fn tokens_are_replaced_and_unknown_ones_stay() {
        let tokens = Tokens {
            home: "/home/me".to_owned(),
            host: "192.168.4.5".to_owned(),
            original_host: "n5".to_owned(),
            port: 22,
            user: "jax".to_owned(),
            local_user: "me".to_owned(),
            host_key_alias: "five".to_owned(),
        };
        for (text, expected) in [
            ("~/.ssh/%h_key", "/home/me/.ssh/192.168.4.5_key"),
            ("~", "/home/me"),
            ("~other/key", "~other/key"),
            ("%d/%n/%r/%u/%p/%k", "/home/me/n5/jax/me/22/five"),
            ("100%% %C %", "100% %C %"),
            ("/plain/~/path", "/plain/~/path"),
        ] {
            assert_eq!(tokens.expand(text), expected, "{text}");
        }
    }
}
