//! Decides whether a host is who it should be: by the pinned fingerprint, else by the `known_hosts` files.

use std::borrow::Cow;
use std::io;

use russh::Preferred;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use super::error::{ChangedHostKey, PinnedHostKey, Recorded, SshError, UnknownHostKey};
use super::known_hosts::{KnownHosts, Lookup, Verdict};
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
        let lookup =
            Lookup { name: settings.known_as(), without_port: (!has_own_name).then(|| settings.host.to_lowercase()) };
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
                let changed = ChangedHostKey { node, at, key_type, fingerprint, recorded };
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
