//! Logs in by public key, in the order in which ssh tries keys.
//!
//! First the keys that are named (the lab file's before the SSH configuration's) and lie in the agent, then the lab
//! file's own key, then what else the agent has, then the named files. A passphrase is asked for only when the server
//! has said that it would take the key.

use std::fmt;
use std::sync::Arc;

use russh::client::AuthResult;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{AgentAuthError, Signer};
use tokio::net::UnixStream;

use super::budget::{Budget, Spent};
use super::error::{AuthRefused, Phase, SshError};
use super::keys::{KeyFile, KeyFileFault, Secret, StaysLocked, certificates, unlock};
use super::prompt::Prompt;
use super::session::Connection;
use super::settings::{Origin, Settings};
use super::watch::End;

/// A key that was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which key, in words.
    pub key: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// Why a key did not open the door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outcome {
    /// The server does not take it.
    #[error("refused")]
    Refused,
    /// The server takes it and wants more than a key.
    #[error("taken, but the server wants something else besides")]
    NotEnough,
    /// The server takes it, but it is encrypted and there is nobody to ask.
    #[error("it would be taken, but is encrypted, and there is no terminal to ask for its passphrase")]
    Locked,
    /// The server takes it, but the passphrase did not fit.
    #[error("the passphrase did not fit")]
    WrongPassphrase,
    /// The agent did not sign.
    #[error("the agent did not sign: {0}")]
    NotSigned(String),
    /// It was not offered at all.
    #[error("{0}")]
    Unusable(String),
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.key, self.outcome)
    }
}

/// One key to try.
enum Candidate {
    Agent(Box<AgentIdentity>),
    File(Box<KeyFile>),
}

type Agent = AgentClient<UnixStream>;

/// Logs in, or says all that was tried.
pub(super) async fn login(
    settings: &Settings,
    connection: &mut Connection,
    prompt: &dyn Prompt,
    budget: &Budget,
) -> Result<(), SshError> {
    let mut tried = Vec::new();
    let files = read_files(settings, &mut tried)?;
    let mut agent = connect_agent(settings, budget, &mut tried).await;
    let held = match &mut agent {
        Some(agent) => list_agent(agent, budget, &mut tried).await,
        None => Vec::new(),
    };
    let mut login = Login {
        settings,
        connection,
        agent,
        certificates: certificates(&settings.certificates),
        prompt,
        budget,
        tried,
        methods: Vec::new(),
        offered: 0,
    };
    for candidate in order(settings, files, held) {
        let logged_in = match candidate {
            Candidate::Agent(identity) => login.try_agent(*identity).await?,
            Candidate::File(file) => login.try_file(*file).await?,
        };
        if logged_in {
            return Ok(());
        }
    }
    login.give_up().await
}

fn read_files(settings: &Settings, tried: &mut Vec<Attempt>) -> Result<Vec<KeyFile>, SshError> {
    let mut files = Vec::new();
    for identity in &settings.identities {
        match KeyFile::read(identity) {
            Ok(file) => files.push(file),
            Err(fault) if identity.origin == Origin::Lab => {
                return Err(SshError::KeyFile { path: identity.path.clone(), reason: fault.to_string() });
            }
            Err(KeyFileFault::Missing) => {}
            Err(fault) => tried.push(Attempt {
                key: identity.path.display().to_string(),
                outcome: Outcome::Unusable(fault.to_string()),
            }),
        }
    }
    Ok(files)
}

async fn connect_agent(settings: &Settings, budget: &Budget, tried: &mut Vec<Attempt>) -> Option<Agent> {
    let path = settings.agent.as_ref()?;
    let reason = match budget.spend(AgentClient::connect_uds(path)).await {
        Ok(Ok(agent)) => return Some(agent),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer".to_owned(),
    };
    tried.push(Attempt { key: format!("the agent at {}", path.display()), outcome: Outcome::Unusable(reason) });
    None
}

async fn list_agent(agent: &mut Agent, budget: &Budget, tried: &mut Vec<Attempt>) -> Vec<AgentIdentity> {
    let reason = match budget.spend(agent.request_identities()).await {
        Ok(Ok(identities)) => return identities,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer".to_owned(),
    };
    tried.push(Attempt { key: "the agent".to_owned(), outcome: Outcome::Unusable(reason) });
    Vec::new()
}

fn order(settings: &Settings, files: Vec<KeyFile>, mut others: Vec<AgentIdentity>) -> Vec<Candidate> {
    let is_of = |identity: &AgentIdentity, file: &KeyFile| {
        file.public.as_ref().is_some_and(|public| public.key_data() == identity.public_key().key_data())
    };
    let held = |identity| Candidate::Agent(Box::new(identity));
    let mut named = Vec::new();
    let mut left = Vec::new();
    for file in files {
        let (mine, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|identity| is_of(identity, &file));
        others = rest;
        if mine.is_empty() {
            left.push(file);
        } else {
            named.extend(mine.into_iter().map(held));
        }
    }
    let (from_lab, from_client): (Vec<_>, Vec<_>) = left.into_iter().partition(|file| file.origin == Origin::Lab);
    let file = |file| Candidate::File(Box::new(file));
    named.extend(from_lab.into_iter().map(file));
    if !settings.identities_only {
        named.extend(others.into_iter().map(held));
    }
    named.extend(from_client.into_iter().map(file));
    named
}

struct Login<'a> {
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

impl Login<'_> {
    async fn try_agent(&mut self, identity: AgentIdentity) -> Result<bool, SshError> {
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

    async fn try_file(&mut self, file: KeyFile) -> Result<bool, SshError> {
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

    async fn give_up(mut self) -> Result<(), SshError> {
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
