//! Decides whether a host is who it should be: by the pinned fingerprint, else by the `known_hosts` files.

use std::borrow::Cow;
use std::io;

use russh::Preferred;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use super::error::SshError;
use super::known_hosts::{KnownHosts, Lookup, Verdict};
use super::refusal::{ChangedHostKey, PinnedHostKey, Recorded, UnknownHostKey};
use super::settings::Settings;

/// What one host's key is checked against.
#[derive(Debug, Clone)]
pub(super) struct HostKeyCheck {
    settings: Settings,
    known: KnownHosts,
    lookup: Lookup,
}

impl HostKeyCheck {
    /// Reads the files that apply. A file that is not there is empty; one that can't be read is an error.
    pub(super) fn read(settings: &Settings) -> Result<Self, SshError> {
        let mut known = KnownHosts::default();
        if settings.host_key.is_none() {
            for path in &settings.known_hosts {
                match std::fs::read(path) {
                    Ok(bytes) => known.read(path, &String::from_utf8_lossy(&bytes)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => return Err(SshError::KnownHosts { path: path.clone(), source }),
                }
            }
        }
        let has_own_name = settings.host_key_alias.is_some() || settings.port == 22;
        let without_port = (!has_own_name).then(|| settings.host.to_lowercase());
        let others = without_port.into_iter().chain(settings.also_known_as.iter().cloned()).collect();
        let lookup = Lookup { name: settings.known_as(), others };
        Ok(Self { settings: settings.clone(), known, lookup })
    }

    /// What the files say of a key, whatever is pinned.
    pub(super) fn verdict(&self, key: &PublicKey) -> Verdict {
        self.known.check(&self.lookup, &blob(key))
    }

    /// Whether the host may go by this key.
    pub(super) fn check(&self, key: &PublicKey) -> Result<(), SshError> {
        let (at, node) = (self.settings.endpoint(), self.settings.node.clone());
        let (key_type, fingerprint) = (key.algorithm().to_string(), fingerprint(key));
        if let Some(pinned) = &self.settings.host_key {
            if is_same_fingerprint(pinned, &fingerprint) {
                return Ok(());
            }
            let pinned = PinnedHostKey { at, pinned: pinned.clone(), offered: vec![(key_type, fingerprint)] };
            return Err(SshError::PinnedHostKey(Box::new(pinned)));
        }
        match self.verdict(key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown(authorities) => {
                let unknown = UnknownHostKey { node, at, key_type, fingerprint, authorities };
                Err(SshError::UnknownHostKey(Box::new(unknown)))
            }
            Verdict::Changed(known) => {
                let recorded = known.into_iter().map(Recorded::from).collect();
                let changed =
                    ChangedHostKey { node, at, known_as: self.settings.known_as(), key_type, fingerprint, recorded };
                Err(SshError::ChangedHostKey(Box::new(changed)))
            }
            Verdict::Revoked(place) => Err(SshError::RevokedHostKey { at, key_type, fingerprint, place }),
        }
    }

    /// The host was asked for all its keys, and these are none of them the pinned one.
    pub(super) fn none_is_pinned(&self, offered: &[PublicKey]) -> SshError {
        SshError::PinnedHostKey(Box::new(PinnedHostKey {
            at: self.settings.endpoint(),
            pinned: self.settings.host_key.clone().unwrap_or_default(),
            offered: offered.iter().map(|key| (key.algorithm().to_string(), fingerprint(key))).collect(),
        }))
    }

    /// The algorithms to ask the host for: those of its recorded keys first, so that a host that has several keys
    /// shows one that is known; without the types in `refused`, which were seen and did not fit the pin.
    pub(super) fn preferred(&self, refused: &[PublicKey]) -> Preferred {
        let known = self.known.key_types(&self.lookup);
        let is_known = |algorithm: &Algorithm| known.iter().any(|name| *name == plain(algorithm).to_string());
        let is_refused = |algorithm: &Algorithm| refused.iter().any(|key| plain(&key.algorithm()) == plain(algorithm));
        let mut algorithms: Vec<_> = offered().into_iter().filter(|algorithm| !is_refused(algorithm)).collect();
        algorithms.sort_by_key(|algorithm| !is_known(algorithm));
        Preferred { key: Cow::Owned(algorithms), ..Preferred::default() }
    }
}

/// Every host key algorithm that is asked for; signatures with SHA-1 are not among them, as in OpenSSH since 8.8.
fn offered() -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ]
}

/// The type of the key, without the hash that a signature by it uses.
pub(super) fn plain(algorithm: &Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Rsa { .. } => Algorithm::Rsa { hash: None },
        other => other.clone(),
    }
}

/// `SHA256:…`, as `ssh-keygen -l` prints it.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The key as it goes over the wire and stands in `known_hosts`.
pub(super) fn blob(key: &PublicKey) -> Vec<u8> {
    // A key that came over the wire can be encoded again; an empty blob would fit nothing that is recorded.
    key.to_bytes().unwrap_or_default()
}

fn is_same_fingerprint(pinned: &str, fingerprint: &str) -> bool {
    pinned.trim().trim_end_matches('=') == fingerprint
}

impl From<super::known_hosts::KnownKey> for Recorded {
    fn from(known: super::known_hosts::KnownKey) -> Self {
        let fingerprint =
            PublicKey::from_bytes(&known.key).map_or_else(|_| "(unreadable)".to_owned(), |k| fingerprint(&k));
        Self { key_type: known.key_type, fingerprint, place: known.place }
    }
}

#[cfg(test)]
mod tests {
    use russh::keys::{Algorithm, EcdsaCurve};

    use super::super::error::{Kind, SshError};
    use super::super::fake::{Client, new_key, pair, write_known_hosts};
    use super::fingerprint;

    const ECDSA: Algorithm = Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 };

    async fn refusal(client: &Client, server: &super::super::fake::Server) -> SshError {
        let error = client.connect(server).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), Kind::HostKey);
        error
    }

    #[tokio::test]
    async fn an_unknown_host_is_refused_with_its_fingerprint_and_the_remedy() {
        let (server, client) = pair();
        std::fs::remove_file(client.known_hosts()).unwrap();
        let error = refusal(&client, &server).await;
        let shown = fingerprint(server.host_keys[0].public_key());
        assert_eq!(error.to_string(), format!("the host key of n5.lab:22 is not known: ssh-ed25519 {shown}"));
        assert!(error.help().unwrap().contains("`labctl trust n5`"));
    }

    #[tokio::test]
    async fn a_changed_host_is_refused_with_both_fingerprints_and_the_line() {
        let (server, client) = pair();
        let before = new_key(Algorithm::Ed25519);
        write_known_hosts(&client.known_hosts(), "# a comment\nn5.lab", before.public_key());
        let text = refusal(&client, &server).await.to_string();
        for part in [
            fingerprint(before.public_key()),
            fingerprint(server.host_keys[0].public_key()),
            format!("{}:2", client.known_hosts().display()),
        ] {
            assert!(text.contains(&part), "{part} is not in: {text}");
        }
    }

    #[tokio::test]
    async fn a_revoked_key_is_refused_even_where_it_is_recorded_too() {
        let (server, client) = pair();
        let line = server.host_keys[0].public_key().to_openssh().unwrap();
        std::fs::write(client.known_hosts(), format!("n5.lab {line}\n@revoked * {line}\n")).unwrap();
        let error = refusal(&client, &server).await;
        assert!(error.to_string().contains("known_hosts:2"), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let (server, mut client) = pair();
        client.settings.known_hosts = vec![client.home.path().to_owned()];
        let error = client.connect(&server).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, SshError::KnownHosts { .. }), "{error}");
    }

    #[tokio::test]
    async fn of_several_keys_a_host_is_asked_for_the_one_that_is_known() {
        let (mut server, client) = pair();
        let ecdsa = new_key(ECDSA);
        write_known_hosts(&client.known_hosts(), "n5.lab", ecdsa.public_key());
        server.host_keys.push(ecdsa);
        client.connect(&server).await.unwrap();
    }

    #[tokio::test]
    async fn a_host_that_moved_is_known_by_the_name_that_it_had() {
        let (server, mut client) = pair();
        client.settings.host = "new.lab".to_owned();
        refusal(&client, &server).await;
        client.settings.also_known_as = vec!["n5.lab".to_owned()];
        client.connect(&server).await.unwrap();
    }

    #[tokio::test]
    async fn a_pin_is_enough_and_nothing_else_is() {
        let (server, mut client) = pair();
        let fingerprint = fingerprint(server.host_keys[0].public_key());
        std::fs::remove_file(client.known_hosts()).unwrap();
        client.settings.host_key = Some(format!("{fingerprint}="));
        client.connect(&server).await.unwrap();

        client.knows(&server);
        client.settings.host_key = Some("SHA256:something-else".to_owned());
        let error = refusal(&client, &server).await;
        assert!(error.to_string().contains(&fingerprint) && error.to_string().contains("something-else"), "{error}");
    }
}
