//! TCP connections from a host onwards: for jump hosts, and for an API that only the host reaches.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::task::AtomicWaker;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::error::SshError;
use super::session::Session;

/// What one tunnel may have received and not yet read. More breaks the tunnel, so that a reader that stands still does
/// not stop the other channels of the connection, which share its receiving loop.
const UNREAD_LIMIT: usize = if cfg!(test) { 8 * 1024 * 1024 } else { 64 * 1024 * 1024 };
/// How long telling the server that it is over may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A TCP connection that is made by the host at the other end of a session. It keeps the session alive.
pub struct Tunnel {
    arrived: mpsc::UnboundedReceiver<Vec<u8>>,
    current: Vec<u8>,
    consumed: usize,
    state: Arc<State>,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
    write: Option<ChannelWriteHalf<Msg>>,
    reader: JoinHandle<()>,
    _session: Session,
}

#[derive(Default)]
struct State {
    unread: AtomicUsize,
    has_overflowed: AtomicBool,
    has_ended: AtomicBool,
    writer: AtomicWaker,
}

impl Session {
    /// Connects to `host:port` as the host at the other end sees it.
    pub async fn direct_tcpip(&self, host: &str, port: u16) -> Result<Tunnel, SshError> {
        let purpose = format!("a connection to {host}:{port}");
        let opening = self.0.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        let (read, write) = self.open(&purpose, opening).await?.split();
        let (sender, arrived) = mpsc::unbounded_channel();
        let state = Arc::new(State::default());
        Ok(Tunnel {
            arrived,
            current: Vec::new(),
            consumed: 0,
            reader: tokio::spawn(drain(read, sender, Arc::clone(&state))),
            state,
            writer: Box::pin(write.make_writer()),
            write: Some(write),
            _session: self.clone(),
        })
    }
}

async fn drain(mut channel: ChannelReadHalf, arrived: mpsc::UnboundedSender<Vec<u8>>, state: Arc<State>) {
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                let unread = state.unread.fetch_add(data.len(), Ordering::Relaxed) + data.len();
                if unread > UNREAD_LIMIT {
                    state.has_overflowed.store(true, Ordering::Release);
                    break;
                }
                if arrived.send(data.to_vec()).is_err() {
                    break;
                }
            }
            ChannelMsg::Close => break,
            // After the end of what comes in, this side may still send.
            _ => {}
        }
    }
    state.has_ended.store(true, Ordering::Release);
    state.writer.wake();
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.reader.abort();
        if let (Some(write), Ok(runtime)) = (self.write.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(FAREWELL, async move {
                let _ = write.close().await;
            }));
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.consumed == self.current.len() {
            match ready!(self.arrived.poll_recv(cx)) {
                Some(data) => {
                    self.current = data;
                    self.consumed = 0;
                }
                None if self.state.has_overflowed.load(Ordering::Acquire) => {
                    return Poll::Ready(Err(io::Error::other("too much of the answer was left unread")));
                }
                None => return Poll::Ready(Ok(())),
            }
        }
        let size = buf.remaining().min(self.current.len() - self.consumed);
        buf.put_slice(&self.current[self.consumed..self.consumed + size]);
        self.consumed += size;
        self.state.unread.fetch_sub(size, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.state.writer.register(cx.waker());
        // russh's writer waits for a window that a lost connection never opens.
        if self.state.has_ended.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.writer.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.has_ended.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        self.writer.as_mut().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::error::SshError;
    use super::super::fake::pair;

    #[tokio::test]
    async fn what_goes_in_comes_out_at_the_other_end() {
        let (server, client) = pair();
        let session = client.connect(&server).await.unwrap();
        let (mut reading, mut writing) = tokio::io::split(session.direct_tcpip("api", 1).await.unwrap());
        drop(session);
        let sent: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let sending = async {
            writing.write_all(&sent).await.unwrap();
            writing.shutdown().await.unwrap();
        };
        let mut received = Vec::new();
        let ((), result) = tokio::join!(sending, reading.read_to_end(&mut received));
        result.unwrap();
        assert!(received == sent, "{} bytes", received.len());
    }

    #[tokio::test]
    async fn a_connection_that_the_host_cannot_make_is_named() {
        let (server, client) = pair();
        let session = client.connect(&server).await.unwrap();
        let error = session.direct_tcpip("api", 6443).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, SshError::ChannelRefused { .. }), "{error}");
        assert!(error.to_string().contains("api:6443"), "{error}");
    }

    #[tokio::test]
    async fn a_tunnel_that_nobody_reads_breaks_and_does_not_stop_the_commands() {
        let (server, client) = pair();
        let session = client.connect(&server).await.unwrap();
        let mut tunnel = session.direct_tcpip("talker", 2).await.unwrap();
        let limit = Duration::from_secs(30);
        for _ in 0..3 {
            assert_eq!(session.exec("cat", b"quick".to_vec(), limit).await.unwrap().stdout, b"quick");
        }
        (&mut tunnel.reader).await.unwrap();
        let mut read = Vec::new();
        assert!(tunnel.read_to_end(&mut read).await.is_err());
        assert_eq!(session.exec("cat", b"still".to_vec(), limit).await.unwrap().stdout, b"still");
    }

    #[tokio::test]
    async fn a_writer_learns_that_the_session_has_ended() {
        let (server, client) = pair();
        let session = client.connect(&server).await.unwrap();
        // Nobody reads at the other end, so the window fills.
        let mut tunnel = session.direct_tcpip("talker", 2).await.unwrap();
        let writing = async {
            let block = vec![0; 1_000_000];
            while tunnel.write_all(&block).await.is_ok() {}
        };
        let closing = async {
            session.exec("cat", b"meanwhile".to_vec(), Duration::from_secs(10)).await.unwrap();
            session.clone().close().await;
        };
        let both = async { tokio::join!(writing, closing) };
        tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
    }
}
