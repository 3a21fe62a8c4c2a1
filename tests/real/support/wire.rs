//! A wire to a server on loopback that a test can cut, stall or slow down.

use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// Forwards a port of its own to a server's.
pub(crate) struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: Vec<TcpStream>,
    connections: usize,
    /// From the clients to the server.
    there: Direction,
    /// From the server to the clients.
    back: Direction,
    refusing: bool,
    /// Whether the next cut is for good.
    breaks: bool,
    stalled: bool,
    delay: Duration,
}

#[derive(Default)]
struct Direction {
    /// Bytes that have come, over all connections.
    passed: usize,
    cut_after: Option<usize>,
    /// Whether what comes before the cut is handed on to the last byte.
    exactly: Option<End>,
}

/// How a connection ends for whoever is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As when a program is done (FIN).
    Closed,
    /// As when a machine has forgotten it (RST).
    Reset,
}

impl Wire {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A refused client is dropped: to it, that is a closed connection.
                if accepting.admits() {
                    accepting.join(client, server);
                }
            }
        });
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections; new ones are let through.
    pub(crate) fn cut(&self) {
        self.shared.lock().cut();
    }

    /// Closes all connections, once, when the clients have sent so many more bytes.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.shared.lock().there.cut_in(bytes);
    }

    /// Closes all connections, once, when the server has sent so many more bytes.
    pub(crate) fn cut_after_received(&self, bytes: usize) {
        self.shared.lock().back.cut_in(bytes);
    }

    /// Hands on exactly so many more bytes of the server's to the clients, then ends all connections, once.
    pub(crate) fn end_after_received(&self, bytes: usize, end: End) {
        let mut state = self.shared.lock();
        state.back.cut_in(bytes);
        state.back.exactly = Some(end);
    }

    /// The same, and refuses new connections from then on.
    pub(crate) fn break_exactly_after_received(&self, bytes: usize, end: End) {
        self.end_after_received(bytes, end);
        self.shared.lock().breaks = true;
    }

    /// Forgets about a cut that is still to come, and about one that was for good.
    pub(crate) fn stay_whole(&self) {
        let mut state = self.shared.lock();
        (state.there.cut_after, state.back.cut_after) = (None, None);
        (state.breaks, state.refusing) = (false, false);
    }

    /// The same as [`Self::cut_after_received`], and refuses new connections from then on.
    pub(crate) fn break_after_received(&self, bytes: usize) {
        let mut state = self.shared.lock();
        state.back.cut_in(bytes);
        state.breaks = true;
    }

    /// Closes all connections and every new one at once, until told otherwise.
    pub(crate) fn refuse(&self, refusing: bool) {
        let mut state = self.shared.lock();
        state.refusing = refusing;
        if refusing {
            state.cut();
        }
    }

    /// Nothing passes and nothing is closed, as with a pulled cable, until told otherwise.
    pub(crate) fn stall(&self, stalled: bool) {
        self.shared.lock().stalled = stalled;
        self.shared.changed.notify_all();
    }

    /// Holds every piece of data back for so long.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.shared.lock().delay = delay;
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Bytes that clients have sent.
    pub(crate) fn sent(&self) -> usize {
        self.shared.lock().there.passed
    }

    /// Bytes that the server has sent.
    pub(crate) fn received(&self) -> usize {
        self.shared.lock().back.passed
    }
}

impl Drop for Wire {
    /// The listener's thread ends with the test process; until then it lets nobody through.
    fn drop(&mut self) {
        self.refuse(true);
        self.stall(false);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    fn admits(&self) -> bool {
        !self.lock().refusing
    }

    fn join(self: &Arc<Self>, client: TcpStream, port: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
        let copy = |stream: &TcpStream| stream.try_clone().expect("a second handle");
        let mut state = self.lock();
        state.connections += 1;
        state.open.extend([copy(&client), copy(&server)]);
        drop(state);
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        let (client_too, server_too) = (copy(&client), copy(&server));
        let is_reset = Arc::new(AtomicBool::new(false));
        let is_reset_too = Arc::clone(&is_reset);
        thread::spawn(move || {
            there.pump(&client, &server, |state| &mut state.there, &is_reset);
            end(&client, &server, &is_reset);
        });
        thread::spawn(move || {
            back.pump(&server_too, &client_too, |state| &mut state.back, &is_reset_too);
            end(&client_too, &server_too, &is_reset_too);
        });
    }

    fn pump(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        direction: fn(&mut State) -> &mut Direction,
        is_reset: &AtomicBool,
    ) {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let delay = self.lock().delay;
            thread::sleep(delay);
            let mut held =
                self.changed.wait_while(self.lock(), |state| state.stalled).expect("no thread panics with it");
            let (before, limit) = (direction(&mut held).passed, direction(&mut held).cut_after);
            if direction(&mut held).reaches_its_end(length) {
                held.refusing |= std::mem::take(&mut held.breaks);
                if let Some(end) = direction(&mut held).exactly.take() {
                    let rest = limit.unwrap_or_default().saturating_sub(before).min(length);
                    let _ = to.write_all(&buffer[..rest]);
                    if end == End::Reset {
                        reset_when_closed(to);
                        is_reset.store(true, Ordering::Relaxed);
                        held.open.clear();
                    }
                }
                held.cut();
                break;
            }
            drop(held);
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    }
}

/// Ends both sides of a connection.
fn end(client: &TcpStream, server: &TcpStream, is_reset: &AtomicBool) {
    let _ = server.shutdown(Shutdown::Both);
    // A reset comes when the last handle is dropped, and any other end would come before it. This one only wakes who reads.
    let _ = client.shutdown(if is_reset.load(Ordering::Relaxed) { Shutdown::Read } else { Shutdown::Both });
}

/// Makes the end of a socket a reset.
fn reset_when_closed(stream: &TcpStream) {
    let handle = stream.try_clone().expect("a second handle");
    handle.set_nonblocking(true).expect("a socket");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    runtime.block_on(async {
        let handle = tokio::net::TcpStream::from_std(handle).expect("a socket");
        handle.set_zero_linger().expect("a socket that is open");
    });
}

impl Direction {
    fn cut_in(&mut self, bytes: usize) {
        self.cut_after = Some(self.passed + bytes);
    }

    /// Whether these bytes are the ones that the wire was to be cut at.
    fn reaches_its_end(&mut self, length: usize) -> bool {
        self.passed += length;
        self.cut_after.take_if(|limit| self.passed >= *limit).is_some()
    }
}

impl State {
    fn cut(&mut self) {
        for stream in self.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
