//! Private key files: what can be known of them without a passphrase, and unlocking them with one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, decode_secret_key};
use zeroize::Zeroizing;

use super::budget::Budget;
use super::prompt::Prompt;
use super::settings::{Identity, Origin};

/// How often a person may mistype a passphrase.
const PASSPHRASE_ATTEMPTS: usize = 3;

/// A key file that can be tried.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) origin: Origin,
    pub(super) public: Option<PublicKey>,
    pub(super) secret: Secret,
    /// `PATH-cert.pub`.
    pub(super) certificate: Option<Certificate>,
}

/// The private half.
#[derive(Clone)]
pub(super) enum Secret {
    /// Ready to sign.
    Open(Arc<PrivateKey>),
    /// Encrypted: the file's text.
    Locked(Arc<Zeroizing<String>>),
    /// Not in a file, or not of a kind that a file is enough for; the agent may have it.
    Elsewhere,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open(_) => "Open",
            Self::Locked(_) => "Locked",
            Self::Elsewhere => "Elsewhere",
        })
    }
}

/// Why a key file is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyFileFault {
    #[error("there is no such file")]
    Missing,
    #[error("{0}")]
    Unreadable(String),
    #[error("others may read it (mode {0:04o}), so ssh would not use it either; `chmod 600` it")]
    Exposed(u32),
    #[error("it is no private key that labctl understands: {0}")]
    Malformed(String),
}

impl KeyFile {
    /// Reads what is there. A public key in the private one's place is fine where the agent has the private one.
    pub(super) fn read(identity: &Identity) -> Result<Self, KeyFileFault> {
        let beside = read_public(&with_suffix(&identity.path, ".pub"));
        let certificate = read_certificate(&with_suffix(&identity.path, "-cert.pub"));
        let file =
            |public, secret| Self { path: identity.path.clone(), origin: identity.origin, public, secret, certificate };
        let text = match std::fs::read_to_string(&identity.path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && beside.is_some() => {
                return Ok(file(beside, Secret::Elsewhere));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(KeyFileFault::Missing),
            Err(error) => return Err(KeyFileFault::Unreadable(error.to_string())),
        };
        if let Ok(public) = PublicKey::from_openssh(text.trim()) {
            return Ok(file(Some(public), Secret::Elsewhere));
        }
        if let Some(mode) = exposed(&identity.path) {
            return Err(KeyFileFault::Exposed(mode));
        }
        match decode_secret_key(&text, None) {
            Ok(key) if can_sign(&key.algorithm()) => {
                Ok(file(Some(key.public_key().clone()), Secret::Open(Arc::new(key))))
            }
            Ok(key) => Ok(file(Some(key.public_key().clone()), Secret::Elsewhere)),
            Err(russh::keys::Error::KeyIsEncrypted) => {
                // The OpenSSH format leaves the public half readable.
                let public = PrivateKey::from_openssh(text.as_bytes()).ok().map(|key| key.public_key().clone());
                Ok(file(public.or(beside), Secret::Locked(Arc::new(text))))
            }
            Err(error) => Err(KeyFileFault::Malformed(error.to_string())),
        }
    }
}

/// Why a key stays locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StaysLocked {
    Nobody,
    WrongPassphrase,
}

/// Asks for the passphrase until it fits.
pub(super) fn unlock(
    path: &Path,
    text: &str,
    prompt: &dyn Prompt,
    budget: &Budget,
) -> Result<Arc<PrivateKey>, StaysLocked> {
    budget.pause(|| {
        for attempt in 1..=PASSPHRASE_ATTEMPTS {
            let passphrase = prompt.passphrase(path, attempt).ok_or(StaysLocked::Nobody)?;
            if let Ok(key) = decode_secret_key(text, Some(&passphrase)) {
                return Ok(Arc::new(key));
            }
        }
        Err(StaysLocked::WrongPassphrase)
    })
}

/// Certificates in files of their own (`CertificateFile`); what can't be read is passed over, as ssh does.
pub(super) fn certificates(paths: &[PathBuf]) -> Vec<Certificate> {
    paths.iter().filter_map(|path| read_certificate(path)).collect()
}

fn read_public(path: &Path) -> Option<PublicKey> {
    PublicKey::from_openssh(std::fs::read_to_string(path).ok()?.trim()).ok()
}

fn read_certificate(path: &Path) -> Option<Certificate> {
    Certificate::from_openssh(std::fs::read_to_string(path).ok()?.trim()).ok()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Keys on security keys sign in the agent; russh ends the session when it is to sign with another kind.
fn can_sign(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. })
}

/// The mode of a private key that others may read.
fn exposed(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use russh::keys::Algorithm;
    use russh::keys::ssh_key::LineEnding;

    use super::super::fake::new_key;
    use super::{Identity, KeyFile, KeyFileFault, Origin, Secret};

    fn read(path: &Path) -> Result<KeyFile, KeyFileFault> {
        KeyFile::read(&Identity { path: path.to_owned(), origin: Origin::Client })
    }

    #[test]
    fn a_public_key_names_a_key_of_the_agent_in_the_private_ones_place_or_beside_it() {
        let (home, key) = (tempfile::tempdir().unwrap(), new_key(Algorithm::Ed25519));
        let (private, public) = (home.path().join("key"), home.path().join("key.pub"));
        fs::write(&public, key.public_key().to_openssh().unwrap()).unwrap();
        for path in [&private, &public] {
            let file = read(path).unwrap();
            assert!(matches!(file.secret, Secret::Elsewhere), "{path:?}");
            assert_eq!(file.public.unwrap().key_data(), key.public_key().key_data());
        }
    }

    #[test]
    fn what_is_of_no_use_is_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        assert_eq!(read(&path).unwrap_err(), KeyFileFault::Missing);
        fs::write(&path, "no key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&path).unwrap_err(), KeyFileFault::Exposed(0o644));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(read(&path).unwrap_err(), KeyFileFault::Malformed(_)));
        assert!(matches!(read(home.path()).unwrap_err(), KeyFileFault::Unreadable(_)));
    }

    #[test]
    fn an_encrypted_key_shows_its_public_half() {
        let (home, key) = (tempfile::tempdir().unwrap(), new_key(Algorithm::Ed25519));
        let path = home.path().join("key");
        let locked = key.encrypt(&mut russh::keys::key::safe_rng(), "open sesame").unwrap();
        locked.write_openssh_file(&path, LineEnding::LF).unwrap();
        let file = read(&path).unwrap();
        assert!(matches!(file.secret, Secret::Locked(_)));
        assert_eq!(file.public.unwrap().key_data(), key.public_key().key_data());
    }
}
