//! Accepting a host's key: shows what a host offers and writes it to a `known_hosts` file.
//!
//! `labctl trust NODE` asks for the first host on the way to the node that is not known yet, shows its fingerprint, and
//! records it when a person has said yes; then it asks again, until the node itself is known.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use russh::keys::PublicKey;

use super::budget::Budget;
use super::connect::{at_hop, shown, verified};
use super::error::SshError;
use super::host_key::{HostKeyCheck, blob, fingerprint};
use super::known_hosts::{Place, Verdict, hash_name};
use super::prompt::Prompt;
use super::refusal::Recorded;
use super::session::Session;
use super::settings::Settings;

/// The key that a host showed, and what is known of it.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The host: the node, or a jump host on the way to it.
    pub settings: Settings,
    /// The key's type, `ssh-ed25519`.
    pub key_type: String,
    /// Its fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// What is recorded of the host.
    pub trust: Trust,
    key: PublicKey,
}

/// What is recorded of a host whose key was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// This key.
    Known,
    /// Nothing.
    Unknown,
    /// Other keys.
    Changed(Vec<Recorded>),
    /// That this key is not to be trusted any more.
    Revoked(Place),
    /// The lab file pins a key that the host has; `known_hosts` is not asked.
    Pinned,
}

impl Trust {
    /// Whether labctl would go on with this key.
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Known | Self::Pinned)
    }
}

/// The key of the first host on the way to the node that is not trusted yet, or else of the node itself. Nothing is
/// sent to a host that is not trusted, not even a login name; jump hosts before it are logged in to.
pub async fn fetch_host_key(settings: &Settings, prompt: &dyn Prompt) -> Result<Offered, SshError> {
    let mut carrier = None;
    for hop in &settings.proxy_jump {
        let offered = offered(hop, carrier.as_ref()).await.map_err(|source| at_hop(hop.endpoint(), source))?;
        if !offered.trust.is_trusted() {
            return Ok(offered);
        }
        let session = Session::connect_from(hop, carrier, prompt).await;
        carrier = Some(session.map_err(|source| at_hop(hop.endpoint(), source))?);
    }
    offered(settings, carrier.as_ref()).await
}

async fn offered(settings: &Settings, carrier: Option<&Session>) -> Result<Offered, SshError> {
    let check = HostKeyCheck::read(settings)?;
    if settings.host_key.is_some() {
        // A pin may mean any of the host's keys, so the one that is shown first need not be it.
        let budget = Budget::new(settings.connect_timeout);
        drop(verified(settings, carrier, &check, &budget).await?);
        let key = shown(settings, carrier, &check).await?;
        return Ok(Offered::new(settings, key, Trust::Pinned));
    }
    let key = shown(settings, carrier, &check).await?;
    let own_name = HostKeyCheck::read(&Settings { also_known_as: Vec::new(), ..settings.clone() })?;
    let trust = match own_name.verdict(&key) {
        Verdict::Known => Trust::Known,
        Verdict::Unknown(_) => Trust::Unknown,
        Verdict::Changed(known) => Trust::Changed(known.into_iter().map(Recorded::from).collect()),
        Verdict::Revoked(place) => Trust::Revoked(place),
    };
    Ok(Offered::new(settings, key, trust))
}

impl Offered {
    fn new(settings: &Settings, key: PublicKey, trust: Trust) -> Self {
        Self {
            settings: settings.clone(),
            key_type: key.algorithm().to_string(),
            fingerprint: fingerprint(&key),
            trust,
            key,
        }
    }

    /// Why the key can't be accepted by a mere yes: another one is recorded, or this one is revoked.
    pub fn objection(&self) -> Option<SshError> {
        match self.trust {
            Trust::Known | Trust::Pinned | Trust::Unknown => None,
            Trust::Changed(_) | Trust::Revoked(_) => {
                let check = HostKeyCheck::read(&self.settings).map(|check| check.check(&self.key));
                check.and_then(|verdict| verdict).err()
            }
        }
    }

    /// The file that [`Offered::record`] writes to.
    pub fn file(&self) -> Option<&Path> {
        self.settings.known_hosts.first().map(AsRef::as_ref)
    }

    /// Records the key in the first `known_hosts` file of the settings. See [`append_known_host`].
    pub fn record(&self) -> Result<bool, SshError> {
        match self.file() {
            Some(file) => append_known_host(file, self),
            None => Err(SshError::KnownHosts {
                path: "known_hosts".into(),
                source: io::Error::other("the SSH configuration names no file to record host keys in"),
            }),
        }
    }
}

/// Adds a line for the host to this file, whose folder and which itself are made if need be, closed to others; `false`
/// if the key is recorded already. Another recorded key is never written over or beside: that is an error.
pub fn append_known_host(file: &Path, offered: &Offered) -> Result<bool, SshError> {
    // A key that goes by another name is still to be recorded under this one.
    let own_name = Settings { host_key: None, also_known_as: Vec::new(), ..offered.settings.clone() };
    let check = HostKeyCheck::read(&own_name)?;
    match check.check(&offered.key) {
        Ok(()) => return Ok(false),
        Err(SshError::UnknownHostKey(_)) => {}
        Err(other) => return Err(other),
    }
    let failed = |source| SshError::KnownHosts { path: file.to_owned(), source };
    let mut name = offered.settings.known_as();
    if offered.settings.hash_known_hosts {
        let mut salt = [0; 20];
        getrandom::fill(&mut salt).map_err(|error| failed(io::Error::other(error.to_string())))?;
        name = hash_name(&name, &salt);
    }
    let key = BASE64_STANDARD.encode(blob(&offered.key));
    append_line(file, &format!("{name} {} {key}", offered.key_type)).map_err(failed)?;
    Ok(true)
}

fn append_line(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file; name one with `ssh.known_hosts`"));
    }
    let end = if ends_open(&mut file)? { "\n" } else { "" };
    // One write, so that a line of somebody else's can't come between.
    file.write_all(format!("{end}{line}\n").as_bytes())?;
    file.sync_all()
}

/// Whether the file's last line lacks its end.
fn ends_open(file: &mut std::fs::File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};

    use super::super::fake::{Client, new_key};
    use super::{HostKeyCheck, Offered, SshError, Trust, append_known_host};

    fn offered(client: &Client, key: &PrivateKey) -> Offered {
        Offered::new(&client.settings, key.public_key().clone(), Trust::Unknown)
    }

    #[test]
    fn a_line_is_added_after_one_that_was_left_without_an_end() {
        let (key, client) = (new_key(Algorithm::Ed25519), Client::new(&new_key(Algorithm::Ed25519)));
        std::fs::write(client.known_hosts(), "other.lab ssh-ed25519 AAAA").unwrap();
        assert!(append_known_host(&client.known_hosts(), &offered(&client, &key)).unwrap());
        let text = std::fs::read_to_string(client.known_hosts()).unwrap();
        let line = key.public_key().to_openssh().unwrap();
        assert_eq!(text, format!("other.lab ssh-ed25519 AAAA\nn5.lab {line}\n"));
        assert!(!append_known_host(&client.known_hosts(), &offered(&client, &key)).unwrap());
    }

    #[test]
    fn a_hidden_name_is_found_again() {
        let (key, mut client) = (new_key(Algorithm::Ed25519), Client::new(&new_key(Algorithm::Ed25519)));
        client.settings.hash_known_hosts = true;
        client.settings.port = 2222;
        append_known_host(&client.known_hosts(), &offered(&client, &key)).unwrap();
        assert!(!std::fs::read_to_string(client.known_hosts()).unwrap().contains("n5"));
        HostKeyCheck::read(&client.settings).unwrap().check(key.public_key()).unwrap();
    }

    #[test]
    fn a_key_of_another_type_is_not_written_beside_the_recorded_one_either() {
        let client = Client::new(&new_key(Algorithm::Ed25519));
        let ecdsa = new_key(Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 });
        append_known_host(&client.known_hosts(), &offered(&client, &ecdsa)).unwrap();
        let other = offered(&client, &new_key(Algorithm::Ed25519));
        let error = append_known_host(&client.known_hosts(), &other).unwrap_err();
        assert!(matches!(error, SshError::ChangedHostKey(_)), "{error}");
    }

    #[test]
    fn what_is_no_file_is_not_written_to() {
        let (key, mut client) = (new_key(Algorithm::Ed25519), Client::new(&new_key(Algorithm::Ed25519)));
        client.settings.known_hosts = vec!["/dev/null".into()];
        let error = offered(&client, &key).record().unwrap_err();
        assert!(error.to_string().contains("ssh.known_hosts"), "{error}");
    }
}
