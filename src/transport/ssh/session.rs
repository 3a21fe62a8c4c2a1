//! One authenticated connection to one host.
//!
//! In come the settings, out goes a [`Session`] that runs commands and opens tunnels. Every session runs over a
//! [`super::line::Line`] that is cut when the last handle is gone, so that nothing outlives it.

use std::sync::Arc;
use std::time::Duration;

use russh::client::Handle;
use tokio::sync::{Semaphore, watch};

use super::auth;
use super::budget::Budget;
use super::connect::{Connection, at_hop, end_of, verified};
use super::error::SshError;
use super::host_key::HostKeyCheck;
use super::line::Cutter;
use super::prompt::Prompt;
use super::settings::{Endpoint, Settings};
use super::watch::{End, Watch};

/// sshd's `MaxSessions` is 10 by default; two are left to whoever else shares the connection.
const PARALLEL_COMMANDS: usize = 8;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// An authenticated connection; clones share it. It ends with [`Session::close`] or with its last clone.
#[derive(Clone)]
pub struct Session(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) handle: Handle<Watch>,
    pub(super) at: Endpoint,
    /// Bounds the commands that run at the same time.
    pub(super) slots: Semaphore,
    /// The time that opening a channel may take.
    pub(super) patience: Duration,
    ended: watch::Receiver<Option<End>>,
    cutter: Cutter,
    /// The jump host's session, which carries this one. Last, because this one's goodbye goes through it.
    _carrier: Option<Session>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("at", &self.0.at).finish_non_exhaustive()
    }
}

impl Session {
    /// Connects, through the jump hosts if there are any, checks the host key and logs in.
    pub async fn connect(settings: &Settings, prompt: &dyn Prompt) -> Result<Self, SshError> {
        let mut carrier = None;
        for hop in &settings.proxy_jump {
            let session = Self::connect_from(hop, carrier, prompt).await;
            carrier = Some(session.map_err(|source| at_hop(hop.endpoint(), source))?);
        }
        Self::connect_from(settings, carrier, prompt).await
    }

    /// Where it leads to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.at
    }

    /// Whether the connection is known to be gone.
    pub fn is_closed(&self) -> bool {
        self.0.handle.is_closed()
    }

    /// Says goodbye and ends the connection, for all clones.
    pub async fn close(self) {
        let goodbye = async {
            let _ = self.0.handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
            self.0.end().await
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.0.cutter.cut();
    }

    pub(super) async fn connect_from(
        settings: &Settings,
        carrier: Option<Self>,
        prompt: &dyn Prompt,
    ) -> Result<Self, SshError> {
        let budget = Budget::new(settings.connect_timeout);
        let check = HostKeyCheck::read(settings)?;
        let connection = verified(settings, carrier.as_ref(), &check, &budget).await?;
        Self::login(settings, connection, carrier, prompt, &budget).await
    }

    pub(super) async fn login(
        settings: &Settings,
        mut connection: Connection,
        carrier: Option<Self>,
        prompt: &dyn Prompt,
        budget: &Budget,
    ) -> Result<Self, SshError> {
        auth::login(settings, &mut connection, prompt, budget).await?;
        Ok(Self(Arc::new(Inner {
            handle: connection.handle,
            at: settings.endpoint(),
            slots: Semaphore::new(PARALLEL_COMMANDS),
            patience: settings.connect_timeout,
            ended: connection.ended,
            cutter: connection.cutter,
            _carrier: carrier,
        })))
    }
}

impl Inner {
    /// Why the session ended, once it has.
    pub(super) async fn end(&self) -> End {
        end_of(&self.ended).await
    }
}
