//! From settings to a connection whose host key has been checked: name, TCP or tunnel, key exchange.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use russh::Preferred;
use russh::client::{self, Handle};
use russh::keys::PublicKey;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::budget::{Budget, Spent};
use super::error::{Phase, SshError};
use super::host_key::HostKeyCheck;
use super::line::{Cutter, Line, Stream};
use super::session::Session;
use super::settings::{Endpoint, Settings};
use super::watch::{End, Fault, Judge, Watch, say};

/// Unanswered keepalive messages that end a connection.
const KEEPALIVES: usize = 3;

/// A connection whose host key has been checked, before the login.
pub(super) struct Connection {
    pub(super) handle: Handle<Watch>,
    pub(super) ended: watch::Receiver<Option<End>>,
    pub(super) cutter: Cutter,
}

impl Connection {
    /// Why it ended, once it has.
    pub(super) async fn end(&self) -> End {
        end_of(&self.ended).await
    }
}

/// Why a session ended, once it has.
pub(super) async fn end_of(ended: &watch::Receiver<Option<End>>) -> End {
    match ended.clone().wait_for(Option::is_some).await.as_deref() {
        Ok(Some(end)) => end.clone(),
        _ => End::Broken("the connection was closed".to_owned()),
    }
}

/// Opens the byte stream to the host's port: directly, or out of the carrier.
async fn reach(settings: &Settings, carrier: Option<&Session>, budget: &Budget) -> Result<Box<dyn Stream>, SshError> {
    match carrier {
        None => Ok(Box::new(connect_tcp(settings, budget).await?)),
        Some(carrier) => {
            let opening = carrier.direct_tcpip(&settings.host, settings.port);
            let late = |Spent { limit }| timeout(settings, Phase::Connect, limit);
            let opened = budget.spend(opening).await.map_err(late)?;
            Ok(Box::new(opened.map_err(|source| at_hop(carrier.0.at.clone(), source))?))
        }
    }
}

async fn connect_tcp(settings: &Settings, budget: &Budget) -> Result<TcpStream, SshError> {
    let host = settings.host.clone();
    let addresses: Vec<_> = budget
        .spend(tokio::net::lookup_host((host.as_str(), settings.port)))
        .await
        .map_err(|Spent { limit }| timeout(settings, Phase::Resolve, limit))?
        .map_err(|source| SshError::NameNotFound { host: host.clone(), source })?
        .collect();
    let mut failure = None;
    for (i, address) in addresses.iter().enumerate() {
        let connecting = tokio::time::timeout(budget.share(addresses.len() - i), TcpStream::connect(address));
        match connecting.await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            // A refusal says more than a silence on another address.
            Ok(Err(error)) => failure = Some(error),
            Err(_) => {}
        }
    }
    let at = settings.endpoint();
    Err(match failure {
        None => timeout(settings, Phase::Connect, settings.connect_timeout),
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => SshError::Refused { at },
        Some(source) => SshError::NoRoute { at, source },
    })
}

/// Connects and checks the host key.
pub(super) async fn verified(
    settings: &Settings,
    carrier: Option<&Session>,
    check: &HostKeyCheck,
    budget: &Budget,
) -> Result<Connection, SshError> {
    // A host has several keys and shows one; a pin does not tell its type. So a key that is not the pinned one settles
    // the matter only when the host has no other.
    let mut others = Vec::new();
    loop {
        let stream = reach(settings, carrier, budget).await?;
        let judge = Judge::Check(Box::new(check.clone()));
        match handshake(settings, stream, judge, check.preferred(&others), budget).await {
            Ok(connection) => return Ok(connection),
            Err(HandshakeError::HostKey(SshError::PinnedHostKey(_), key)) => others.push(*key),
            Err(failed) if others.is_empty() => return Err(failed.into_error(settings)),
            Err(_) => return Err(check.none_is_pinned(&others)),
        }
    }
}

/// The host key that a host shows, unchecked; the connection ends there.
pub(super) async fn shown(
    settings: &Settings,
    carrier: Option<&Session>,
    check: &HostKeyCheck,
) -> Result<PublicKey, SshError> {
    let budget = Budget::new(settings.connect_timeout);
    let stream = reach(settings, carrier, &budget).await?;
    match handshake(settings, stream, Judge::Show, check.preferred(&[]), &budget).await {
        Err(HandshakeError::Shown(key)) => Ok(*key),
        Err(failed) => Err(failed.into_error(settings)),
        Ok(_) => Err(SshError::Handshake { at: settings.endpoint(), reason: "it showed no host key".to_owned() }),
    }
}

/// Key exchange, with the judge's word on the host key.
pub(super) async fn handshake(
    settings: &Settings,
    stream: Box<dyn Stream>,
    judge: Judge,
    preferred: Preferred,
    budget: &Budget,
) -> Result<Connection, HandshakeError> {
    let config = client::Config {
        preferred,
        keepalive_interval: Some(settings.keepalive),
        keepalive_max: KEEPALIVES,
        nodelay: true,
        ..client::Config::default()
    };
    let (line, cutter) = Line::new(stream);
    let (watch, ended) = Watch::new(judge);
    match budget.spend(client::connect_stream(Arc::new(config), line, watch)).await {
        Ok(Ok(handle)) => Ok(Connection { handle, ended, cutter }),
        Ok(Err(Fault::Shown(key))) => Err(HandshakeError::Shown(key)),
        Ok(Err(Fault::HostKey(refusal))) => Err(HandshakeError::HostKey(refusal.0, Box::new(refusal.1))),
        Ok(Err(Fault::Russh(error))) => {
            Err(HandshakeError::Other(SshError::Handshake { at: settings.endpoint(), reason: say(&error) }))
        }
        Err(Spent { limit }) => {
            let phase = if cutter.received() == 0 { Phase::Banner } else { Phase::Handshake };
            Err(HandshakeError::Other(timeout(settings, phase, limit)))
        }
    }
}

/// Why there is no connection.
pub(super) enum HandshakeError {
    /// The judge does not accept this key.
    HostKey(SshError, Box<PublicKey>),
    /// The judge only wanted to see the key.
    Shown(Box<PublicKey>),
    /// It did not come as far as the key, or not beyond.
    Other(SshError),
}

impl HandshakeError {
    pub(super) fn into_error(self, settings: &Settings) -> SshError {
        match self {
            Self::HostKey(error, _) | Self::Other(error) => error,
            Self::Shown(_) => {
                SshError::Handshake { at: settings.endpoint(), reason: "only its host key was asked for".to_owned() }
            }
        }
    }
}

fn timeout(settings: &Settings, phase: Phase, limit: Duration) -> SshError {
    SshError::Timeout { at: settings.endpoint(), phase, limit }
}

pub(super) fn at_hop(hop: Endpoint, source: SshError) -> SshError {
    SshError::Hop { hop, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use russh::keys::Algorithm;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
    use tokio::time::Instant;

    use super::super::error::{Phase, SshError};
    use super::super::fake::{Client, new_key, pair};

    async fn fails(client: &Client, stream: DuplexStream) -> SshError {
        match client.connect_over(stream).await {
            Ok(_) => panic!("it connected"),
            Err(error) => error,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_speaks_is_given_up_after_the_limit_and_its_line_is_cut() {
        let (_, client) = pair();
        let (near, mut far) = tokio::io::duplex(1024);
        let began = Instant::now();
        let error = fails(&client, near).await;
        assert!(matches!(error, SshError::Timeout { phase: Phase::Banner, .. }), "{error}");
        assert_eq!(began.elapsed().as_secs(), 5);
        let mut said = Vec::new();
        far.read_to_end(&mut said).await.expect("the end");
        assert!(said.starts_with(b"SSH-2.0-"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stops_in_the_key_exchange_leaves_no_task_behind() {
        let (_, client) = pair();
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(b"SSH-2.0-half\r\n").await.unwrap();
        let error = fails(&client, near).await;
        assert!(matches!(error, SshError::Timeout { phase: Phase::Handshake, .. }), "{error}");
        // The session's task holds the other end: that it ends here says that the task has ended.
        let mut said = Vec::new();
        let ended = tokio::time::timeout(Duration::from_mins(1), far.read_to_end(&mut said)).await;
        ended.expect("the task ends").expect("the end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_is_not_answered_is_given_up_after_the_limit() {
        let (mut server, client) = pair();
        server.is_stuck = true;
        let error = fails(&client, server.serve()).await;
        assert!(matches!(error, SshError::Timeout { phase: Phase::Authentication, .. }), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_ssh_server_is_said_to_be_none() {
        let (_, client) = pair();
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drop(far);
        let error = fails(&client, near).await;
        assert!(matches!(error, SshError::Handshake { .. }) && error.is_unreachable(), "{error}");
    }

    #[tokio::test]
    async fn a_wrong_key_is_refused_with_all_that_was_tried() {
        let (server, client) = pair();
        let stranger = Client::new(&new_key(Algorithm::Ed25519));
        std::fs::copy(client.known_hosts(), stranger.known_hosts()).unwrap();
        let SshError::AuthRefused(refused) = fails(&stranger, server.serve()).await else { panic!("another error") };
        assert_eq!((refused.user.as_str(), refused.tried.len()), ("jax", 1));
        assert!(refused.tried[0].key.ends_with("/key"));
    }

    /// Panics when the limit is read.
    struct Trap(DuplexStream, usize);

    impl AsyncRead for Trap {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            let read = Pin::new(&mut self.0).poll_read(cx, buf);
            self.1 = self.1.saturating_sub(buf.filled().len());
            assert!(self.1 > 0, "the trap");
            read
        }
    }

    impl AsyncWrite for Trap {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_session_is_an_error_of_that_node() {
        let (server, client) = pair();
        let session = client.connect_over(Trap(server.serve(), 200_000)).await.unwrap();
        let error = session.exec("cat", vec![0; 1_000_000], Duration::from_secs(30)).await.unwrap_err();
        assert!(error.is_unreachable() && error.to_string().contains("internal error"), "{error}");
    }
}
