//! One login: offers keys to a server, one after the other, and keeps what came of each.

use std::sync::Arc;

use russh::client::AuthResult;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{AgentAuthError, Signer};
use tokio::net::UnixStream;

use super::budget::{Budget, Spent};
use super::connect::Connection;
use super::error::{Phase, SshError};
use super::keys::{KeyFile, Secret, StaysLocked, certificates, unlock};
use super::prompt::Prompt;
use super::refusal::{Attempt, AuthRefused, Outcome};
use super::settings::Settings;
use super::watch::End;

/// A conversation with the user's agent.
pub(super) type Agent = AgentClient<UnixStream>;

/// A login that is under way.
pub(super) struct Login<'a> {
    settings: &'a Settings,
    connection: &'a mut Connection,
    agent: Option<Agent>,
    certificates: Vec<Certificate>,
    prompt: &'a dyn Prompt,
    budget: &'a Budget,
    tried: Vec<Attempt>,
    methods: Vec<String>,
    offered: usize,
}

impl<'a> Login<'a> {
    /// Nothing is offered yet; `tried` are the keys that were of no use from the start.
    pub(super) fn new(
        settings: &'a Settings,
        connection: &'a mut Connection,
        prompt: &'a dyn Prompt,
        budget: &'a Budget,
        agent: Option<Agent>,
        tried: Vec<Attempt>,
    ) -> Self {
        let certificates = certificates(&settings.certificates);
        Self { settings, connection, agent, certificates, prompt, budget, tried, methods: Vec::new(), offered: 0 }
    }

    /// Offers a key that the agent holds; whether it opened the door.
    pub(super) async fn try_agent(&mut self, identity: AgentIdentity) -> Result<bool, SshError> {
        let comment = match identity.comment() {
            "" => super::host_key::fingerprint(&identity.public_key()),
            comment => comment.to_owned(),
        };
        let name = format!("agent key `{comment}`");
        let hash = self.hash_for(&identity.public_key().algorithm()).await?;
        let Some(agent) = self.agent.as_mut() else { return Ok(false) };
        let (user, handle) = (self.settings.user.as_str(), &mut self.connection.handle);
        let mut signer = Patient { agent, budget: self.budget };
        self.offered += 1;
        let answer = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                self.budget.spend(handle.authenticate_publickey_with(user, key, hash, &mut signer)).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.budget.spend(handle.authenticate_certificate_with(user, certificate, hash, &mut signer)).await
            }
        };
        match answer.map_err(|spent| self.late(&spent))? {
            Ok(result) => self.settle(name, result).await,
            Err(AgentAuthError::Key(error)) => Ok(self.note(name, Outcome::NotSigned(error.to_string()))),
            Err(AgentAuthError::Send(_)) => Err(self.lost().await),
        }
    }

    /// Offers the key of a file, its certificate first; whether one of them opened the door.
    pub(super) async fn try_file(&mut self, file: KeyFile) -> Result<bool, SshError> {
        let name = file.path.display().to_string();
        let key = match file.secret {
            Secret::Open(key) => key,
            Secret::Elsewhere => return Ok(self.note(name, Outcome::Unusable("its private half is elsewhere".into()))),
            Secret::Locked(text) => {
                // Nobody is bothered for a key that the server would not take.
                if let Some(public) = &file.public
                    && !self.would_take(&name, public).await?
                {
                    return Ok(false);
                }
                match unlock(&file.path, &text, self.prompt, self.budget) {
                    Ok(key) => key,
                    Err(StaysLocked::Nobody) => return Ok(self.note(name, Outcome::Locked)),
                    Err(StaysLocked::WrongPassphrase) => return Ok(self.note(name, Outcome::WrongPassphrase)),
                }
            }
        };
        let own = |certificate: &Certificate| certificate.public_key() == key.public_key().key_data();
        let certificate = file.certificate.or_else(|| self.certificates.iter().find(|one| own(one)).cloned());
        if let Some(certificate) = certificate.filter(own)
            && self.try_certificate(&name, Arc::clone(&key), certificate).await?
        {
            return Ok(true);
        }
        self.try_key(name, key).await
    }

    async fn try_key(&mut self, name: String, key: Arc<PrivateKey>) -> Result<bool, SshError> {
        let hash = self.hash_for(&key.algorithm()).await?;
        let key = PrivateKeyWithHashAlg::new(key, hash);
        self.offered += 1;
        let trying = self.connection.handle.authenticate_publickey(&self.settings.user, key);
        match self.budget.spend(trying).await.map_err(|spent| self.late(&spent))? {
            Ok(result) => self.settle(name, result).await,
            Err(_) => Err(self.lost().await),
        }
    }

    async fn try_certificate(
        &mut self,
        name: &str,
        key: Arc<PrivateKey>,
        certificate: Certificate,
    ) -> Result<bool, SshError> {
        self.offered += 1;
        let trying = self.connection.handle.authenticate_openssh_cert(&self.settings.user, key, certificate);
        match self.budget.spend(trying).await.map_err(|spent| self.late(&spent))? {
            Ok(result) => self.settle(format!("certificate of {name}"), result).await,
            Err(_) => Err(self.lost().await),
        }
    }

    /// Offers the public half alone.
    async fn would_take(&mut self, name: &str, public: &PublicKey) -> Result<bool, SshError> {
        let hash = self.hash_for(&public.algorithm()).await?;
        let (user, mut probe) = (self.settings.user.as_str(), Probe);
        self.offered += 1;
        let trying = self.connection.handle.authenticate_publickey_with(user, public.clone(), hash, &mut probe);
        match self.budget.spend(trying).await.map_err(|spent| self.late(&spent))? {
            Err(Probed::Taken) => Ok(true),
            Err(Probed::Lost) => Err(self.lost().await),
            Ok(result) => self.settle(name.to_owned(), result).await,
        }
    }

    async fn settle(&mut self, name: String, result: AuthResult) -> Result<bool, SshError> {
        match result {
            AuthResult::Success => Ok(true),
            AuthResult::Failure { .. } if self.connection.handle.is_closed() => {
                self.note(name, Outcome::Refused);
                Err(self.lost().await)
            }
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.methods = remaining_methods.iter().map(String::from).collect();
                Ok(self.note(name, if partial_success { Outcome::NotEnough } else { Outcome::Refused }))
            }
        }
    }

    /// RSA keys sign with a hash that the server has to know.
    async fn hash_for(&self, algorithm: &Algorithm) -> Result<Option<HashAlg>, SshError> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        let asking = self.connection.handle.best_supported_rsa_hash();
        let best = self.budget.spend(asking).await.map_err(|spent| self.late(&spent))?;
        Ok(best.ok().flatten().flatten().or(Some(HashAlg::Sha512)))
    }

    fn note(&mut self, key: String, outcome: Outcome) -> bool {
        self.tried.push(Attempt { key, outcome });
        false
    }

    fn late(&self, spent: &Spent) -> SshError {
        SshError::Timeout { at: self.settings.endpoint(), phase: Phase::Authentication, limit: spent.limit }
    }

    /// The server hung up: after many keys it says so, or just does it.
    async fn lost(&self) -> SshError {
        let end = self.budget.spend(self.connection.end()).await.unwrap_or(End::Broken("it hung up".to_owned()));
        let at = self.settings.endpoint();
        match end {
            End::Disconnected(message) if message.to_lowercase().contains("too many authentication") => {
                SshError::TooManyKeys { at, offered: self.offered, message }
            }
            end => SshError::Handshake { at, reason: format!("during the login, {end}") },
        }
    }

    /// Nothing is left to offer.
    pub(super) async fn give_up(mut self) -> Result<(), SshError> {
        if self.offered == 0 {
            // Nothing was sent yet: what the server would take is not known, and it may even take nothing at all.
            let asking = self.connection.handle.authenticate_none(&self.settings.user);
            match self.budget.spend(asking).await.map_err(|spent| self.late(&spent))? {
                Ok(AuthResult::Success) => return Ok(()),
                Ok(AuthResult::Failure { remaining_methods, .. }) => {
                    self.methods = remaining_methods.iter().map(String::from).collect();
                }
                Err(_) => return Err(self.lost().await),
            }
        }
        if let [Attempt { outcome: Outcome::Locked, key }] = self.tried.as_slice() {
            return Err(SshError::EncryptedKey { path: key.into() });
        }
        Err(SshError::AuthRefused(Box::new(AuthRefused {
            at: self.settings.endpoint(),
            user: self.settings.user.clone(),
            methods: self.methods,
            tried: self.tried,
        })))
    }
}

/// Signs through the agent; while it does, a person may be asked to confirm, so the clock stands still.
struct Patient<'a> {
    agent: &'a mut Agent,
    budget: &'a Budget,
}

impl Signer for Patient<'_> {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, AgentAuthError> {
        let _standing = self.budget.stand();
        self.agent.auth_sign(key, hash, data).await
    }
}

/// Signs nothing: that it is asked at all says that the server takes the key.
struct Probe;

enum Probed {
    Taken,
    Lost,
}

impl From<russh::SendError> for Probed {
    fn from(_: russh::SendError) -> Self {
        Self::Lost
    }
}

impl Signer for Probe {
    type Error = Probed;

    async fn auth_sign(&mut self, _: &AgentIdentity, _: Option<HashAlg>, _: Vec<u8>) -> Result<Vec<u8>, Probed> {
        Err(Probed::Taken)
    }
}
