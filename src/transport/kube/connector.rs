//! Byte streams to a cluster's API: TCP from here, or a channel of a node's SSH connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower::Service;

use super::carrier::Carrier;
use super::fault::Fault;

/// Limit for one stream to the server.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Why there is no stream to the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// Its name has no address.
    #[error("the host name `{0}` was not found: {1}")]
    NameNotFound(String, io::Error),
    /// Nobody listens there.
    #[error("it refused the connection")]
    Refused,
    /// The network does not lead there.
    #[error("it can't be reached: {0}")]
    NoRoute(io::Error),
    /// No answer in time.
    #[error("it did not answer within {} s", CONNECT_LIMIT.as_secs())]
    Late,
    /// The node's SSH connection does not carry it.
    #[error("{why}")]
    NotCarried {
        /// In words.
        why: String,
        /// The remedy.
        help: Option<String>,
    },
}

impl ConnectError {
    pub(super) fn fault(&self) -> Fault {
        let help = match self {
            Self::NameNotFound(..) => {
                Some("write an address or another name into the kubeconfig's `server`, or give the cluster a `via`")
            }
            Self::Refused => Some("look whether the API server runs there, and whether the port is right"),
            Self::NoRoute(_) | Self::Late => Some("if only a node reaches it, give the cluster that node as its `via`"),
            Self::NotCarried { help, .. } => help.as_deref(),
        };
        Fault::Unreachable { why: self.to_string(), help: help.map(ToOwned::to_owned), is_final: false }
    }
}

/// How the server is reached.
pub(super) enum Way {
    /// From the machine that labctl runs on.
    Direct,
    /// Out of a node.
    Through(Box<Carrier>),
}

/// Makes streams to the server.
#[derive(Clone)]
pub(super) struct Connector(pub(super) Arc<Way>);

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let way = Arc::clone(&self.0);
        async move {
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            let port = uri.port_u16().unwrap_or(443);
            let opening = async {
                match &*way {
                    Way::Direct => Ok(Wire(Box::new(direct(&host, port).await?))),
                    Way::Through(carrier) => Ok(Wire(Box::new(carrier.open(&host, port).await?))),
                }
            };
            let wire = tokio::time::timeout(CONNECT_LIMIT, opening).await;
            wire.unwrap_or(Err(ConnectError::Late)).map(TokioIo::new)
        }
        .boxed()
    }
}

async fn direct(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<_> = found.map_err(|error| ConnectError::NameNotFound(host.to_owned(), error))?.collect();
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        _ => ConnectError::NoRoute(error),
    })?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// A byte stream to the server.
pub(super) struct Wire(Box<dyn Stream>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
