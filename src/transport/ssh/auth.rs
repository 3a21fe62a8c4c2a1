//! Logs in by public key, in the order in which ssh tries keys.
//!
//! First the keys that are named (the lab file's before the SSH configuration's) and lie in the agent, then the lab
//! file's own key, then what else the agent has, then the named files. A passphrase is asked for only when the server
//! has said that it would take the key.

use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;

use super::budget::Budget;
use super::connect::Connection;
use super::error::SshError;
use super::keys::{KeyFile, KeyFileFault};
use super::login::{Agent, Login};
use super::prompt::Prompt;
use super::refusal::{Attempt, Outcome};
use super::settings::{Origin, Settings};

/// One key to try.
enum Candidate {
    Agent(Box<AgentIdentity>),
    File(Box<KeyFile>),
}

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
    let mut login = Login::new(settings, connection, prompt, budget, agent, tried);
    for candidate in order(settings.identities_only, files, held) {
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

fn order(identities_only: bool, files: Vec<KeyFile>, mut others: Vec<AgentIdentity>) -> Vec<Candidate> {
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
    if !identities_only {
        named.extend(others.into_iter().map(held));
    }
    named.extend(from_client.into_iter().map(file));
    named
}

#[cfg(test)]
mod tests {
    use russh::keys::agent::AgentIdentity;
    use russh::keys::{Algorithm, PublicKey};

    use super::super::fake::new_key;
    use super::super::keys::{KeyFile, Secret};
    use super::{Candidate, Origin, order};

    fn file(name: &str, origin: Origin, public: &PublicKey) -> KeyFile {
        KeyFile {
            path: name.into(),
            origin,
            public: Some(public.clone()),
            secret: Secret::Elsewhere,
            certificate: None,
        }
    }

    #[test]
    fn keys_are_tried_in_the_order_of_ssh_but_for_the_lab_files_own() {
        let keys: Vec<PublicKey> = (0..5).map(|_| new_key(Algorithm::Ed25519).public_key().clone()).collect();
        let held = |i: usize| AgentIdentity::PublicKey { key: keys[i].clone(), comment: format!("agent {i}") };
        let names = |identities_only| {
            let files = vec![
                file("lab", Origin::Lab, &keys[0]),
                file("named, in the agent", Origin::Client, &keys[1]),
                file("named", Origin::Client, &keys[2]),
            ];
            let order = order(identities_only, files, vec![held(3), held(1), held(4)]);
            let name = |candidate: &Candidate| match candidate {
                Candidate::Agent(identity) => identity.comment().to_owned(),
                Candidate::File(file) => file.path.display().to_string(),
            };
            order.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["agent 1", "lab", "agent 3", "agent 4", "named"]);
        assert_eq!(names(true), ["agent 1", "lab", "named"]);
    }
}
