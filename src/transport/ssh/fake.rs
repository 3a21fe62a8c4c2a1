//! A server in memory for the tests of this folder: real SSH, spoken over a pipe, with commands that misbehave.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey, PublicKey};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, PublicKeyOffer, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, ChannelOpenFailure, Sig};
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::budget::Budget;
use super::connect::handshake;
use super::error::SshError;
use super::host_key::HostKeyCheck;
use super::line::Stream;
use super::prompt::Nobody;
use super::session::Session;
use super::settings::{Identity, Origin, Settings};
use super::watch::Judge;

/// A server's keys.
pub(super) struct Server {
    pub(super) host_keys: Vec<PrivateKey>,
    pub(super) lets_in: PublicKey,
    /// Never answers a login.
    pub(super) is_stuck: bool,
}

/// A client's end of a conversation with it.
pub(super) struct Client {
    pub(super) settings: Settings,
    pub(super) home: tempfile::TempDir,
}

pub(super) fn new_key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).unwrap()
}

/// A server, and a client that knows it and has the key that it lets in.
pub(super) fn pair() -> (Server, Client) {
    let key = new_key(Algorithm::Ed25519);
    let server =
        Server { host_keys: vec![new_key(Algorithm::Ed25519)], lets_in: key.public_key().clone(), is_stuck: false };
    let client = Client::new(&key);
    client.knows(&server);
    (server, client)
}

impl Client {
    pub(super) fn new(key: &PrivateKey) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        key.write_openssh_file(&path, russh::keys::ssh_key::LineEnding::LF).unwrap();
        let settings = Settings {
            node: "n5".to_owned(),
            host: "n5.lab".to_owned(),
            port: 22,
            user: "jax".to_owned(),
            identities: vec![Identity { path, origin: Origin::Lab }],
            certificates: Vec::new(),
            agent: None,
            identities_only: false,
            known_hosts: vec![home.path().join("known_hosts")],
            hash_known_hosts: false,
            host_key_alias: None,
            also_known_as: Vec::new(),
            host_key: None,
            proxy_jump: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_mins(1),
            keepalive: Duration::from_secs(15),
        };
        Self { settings, home }
    }

    pub(super) fn known_hosts(&self) -> PathBuf {
        self.home.path().join("known_hosts")
    }

    /// Records the server's first host key.
    pub(super) fn knows(&self, server: &Server) {
        write_known_hosts(&self.known_hosts(), "n5.lab", server.host_keys[0].public_key());
    }

    pub(super) async fn connect(&self, server: &Server) -> Result<Session, SshError> {
        self.connect_over(server.serve()).await
    }

    pub(super) async fn connect_over(&self, stream: impl Stream + 'static) -> Result<Session, SshError> {
        let budget = Budget::new(self.settings.connect_timeout);
        let check = HostKeyCheck::read(&self.settings)?;
        let (preferred, judge) = (check.preferred(&[]), Judge::Check(Box::new(check)));
        let connected = handshake(&self.settings, Box::new(stream), judge, preferred, &budget).await;
        let connection = connected.map_err(|failed| failed.into_error(&self.settings))?;
        Session::login(&self.settings, connection, None, &Nobody, &budget).await
    }
}

pub(super) fn write_known_hosts(path: &Path, hosts: &str, key: &PublicKey) {
    std::fs::write(path, format!("{hosts} {}\n", key.to_openssh().unwrap())).unwrap();
}

impl Server {
    /// Starts to serve one connection; what comes back is the client's end.
    pub(super) fn serve(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let config = server::Config {
            keys: self.host_keys.clone(),
            auth_rejection_time: Duration::ZERO,
            ..server::Config::default()
        };
        let handler = Handler { lets_in: self.lets_in.clone(), is_stuck: self.is_stuck, channels: HashMap::new() };
        tokio::spawn(async move { server::run_stream(Arc::new(config), far, handler).await?.await });
        near
    }
}

struct Handler {
    lets_in: PublicKey,
    is_stuck: bool,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl server::Handler for Handler {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, _user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, russh::Error> {
        if self.is_stuck {
            std::future::pending::<()>().await;
        }
        Ok(if offer.public_key.key_data() == self.lets_in.key_data() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, _user: &str, _key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    /// Port 1 gives back what it gets, port 2 never stops talking, others are refused.
    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        _host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let (mut reading, mut writing) = tokio::io::split(channel.into_stream());
        match port {
            1 => {
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut reading, &mut writing).await;
                    writing.shutdown().await
                });
            }
            2 => {
                tokio::spawn(async move { tokio::io::copy(&mut tokio::io::repeat(b'x'), &mut writing).await });
            }
            _ => {
                reply.reject(ChannelOpenFailure::ConnectFailed).await;
                return Ok(());
            }
        }
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        if command == b"refused" {
            return session.channel_failure(id);
        }
        if command == b"hang up" {
            return Err(russh::Error::Disconnect);
        }
        session.channel_success(id)?;
        let channel = self.channels.remove(&id).ok_or(russh::Error::WrongChannel)?;
        tokio::spawn(run(String::from_utf8_lossy(command).into_owned(), channel, session.handle()));
        Ok(())
    }
}

/// The commands of this server.
async fn run(command: String, mut channel: Channel<Msg>, server: server::Handle) -> Result<(), russh::Error> {
    let id = channel.id();
    match command.as_str() {
        "cat" => {
            let mut writer = channel.make_writer();
            while let Some(message) = channel.wait().await {
                match message {
                    ChannelMsg::Data { data } => writer.write_all(&data).await?,
                    ChannelMsg::Eof => break,
                    _ => {}
                }
            }
            channel.exit_status(0).await?;
        }
        "status before the last words" => {
            channel.exit_status(7).await?;
            channel.data(&b"last "[..]).await?;
            channel.extended_data(1, &b"words"[..]).await?;
        }
        "killed" => {
            let _ = server.exit_signal_request(id, Sig::KILL, false, String::new(), String::new()).await;
        }
        "no status" => {}
        "says three bytes and breaks off" => {
            channel.data(&b"abc"[..]).await?;
            let _ = server.disconnect(russh::Disconnect::ByApplication, "maintenance".into(), String::new()).await;
        }
        "never ends" => {
            channel.data(&b"begun"[..]).await?;
            while channel.wait().await.is_some() {}
        }
        other => channel.data(format!("no such command: {other}").as_bytes()).await?,
    }
    channel.eof().await?;
    channel.close().await
}
