//! A byte stream that can be cut from outside.
//!
//! russh's session task ends when its stream does, and only then: a task that waits for a peer that never answers
//! outlives its handle. So every session runs over a [`Line`], and whoever gives up on it drops the [`Cutter`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a session can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream that fails once its [`Cutter`] is gone.
pub(super) struct Line {
    stream: Box<dyn Stream>,
    state: Arc<State>,
}

/// Keeps a [`Line`] going; cuts it when dropped.
pub(super) struct Cutter(Arc<State>);

#[derive(Default)]
struct State {
    cut: AtomicBool,
    received: AtomicU64,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Line {
    /// Wraps a stream.
    pub(super) fn new(stream: Box<dyn Stream>) -> (Self, Cutter) {
        let state = Arc::new(State::default());
        (Self { stream, state: Arc::clone(&state) }, Cutter(state))
    }

    fn broken(&self) -> Option<io::Error> {
        self.state.cut.load(Ordering::Acquire).then(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl Cutter {
    /// How many bytes have come in so far.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// Ends the line now.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.0.reader.wake();
        self.0.writer.wake();
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
        if let Some(error) = self.broken() {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.state.received.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.state.writer.register(cx.waker());
        match self.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.writer.register(cx.waker());
        match self.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Not refused on a cut line: the peer should learn that it is over where it still can.
        self.state.writer.register(cx.waker());
        match (Pin::new(&mut self.stream).poll_shutdown(cx), self.broken()) {
            (Poll::Pending, Some(error)) => Poll::Ready(Err(error)),
            (poll, _) => poll,
        }
    }
}
