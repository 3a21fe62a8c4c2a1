//! A byte stream that can be cut from outside, and that never makes its writer wait.
//!
//! russh's session task ends when its stream does, and only then: a task that waits for a peer that never answers
//! outlives its handle. So every session runs over a [`Line`], and whoever gives up on it drops the [`Cutter`].
//!
//! While russh writes it does not read, nor does it count keepalives: two such peers stop each other for ever, and a
//! pulled cable is not noticed. So writing only fills a queue here, which SSH's own windows keep small.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

/// What a session can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream that fails once its [`Cutter`] is gone.
pub(super) struct Line {
    reading: ReadHalf<Box<dyn Stream>>,
    queue: Option<mpsc::UnboundedSender<Vec<u8>>>,
    writer: JoinHandle<io::Result<()>>,
    state: Arc<State>,
}

/// Keeps a [`Line`] going; cuts it when dropped.
pub(super) struct Cutter {
    state: Arc<State>,
    writer: AbortHandle,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    received: AtomicU64,
    reader: AtomicWaker,
}

impl Line {
    /// Wraps a stream.
    pub(super) fn new(stream: Box<dyn Stream>) -> (Self, Cutter) {
        let (reading, writing) = tokio::io::split(stream);
        let (queue, queued) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write_out(writing, queued));
        let state = Arc::new(State::default());
        let cutter = Cutter { state: Arc::clone(&state), writer: writer.abort_handle() };
        (Self { reading, queue: Some(queue), writer, state }, cutter)
    }
}

async fn write_out(
    mut stream: WriteHalf<Box<dyn Stream>>,
    mut queued: mpsc::UnboundedReceiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(bytes) = queued.recv().await {
        stream.write_all(&bytes).await?;
        if queued.is_empty() {
            stream.flush().await?;
        }
    }
    stream.shutdown().await
}

impl Cutter {
    /// How many bytes have come in so far.
    pub(super) fn received(&self) -> u64 {
        self.state.received.load(Ordering::Relaxed)
    }

    /// Ends the line now.
    pub(super) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::Release);
        self.state.reader.wake();
        self.writer.abort();
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.cut();
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.state.reader.register(cx.waker());
        if self.state.is_cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.reading).poll_read(cx, buf);
        self.state.received.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let sent = self.queue.as_ref().map(|queue| queue.send(buf.to_vec()));
        Poll::Ready(match sent {
            Some(Ok(())) => Ok(buf.len()),
            Some(Err(_)) | None => Err(io::ErrorKind::BrokenPipe.into()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.queue = None;
        // A writer that was aborted or failed has nothing more to say.
        Pin::new(&mut self.writer).poll(cx).map(|_| Ok(()))
    }
}
