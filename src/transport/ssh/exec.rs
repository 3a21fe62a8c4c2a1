//! Runs one command on a session and collects what it says.
//!
//! Each channel is drained by a task of its own: russh's session loop waits for the slowest reader, so one channel
//! that nobody reads would stop all others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use super::error::{Phase, SshError};
use super::session::Session;

/// More than this on one stream is a mistake, and would fill the memory of the machine that labctl runs on.
pub(in crate::transport) const OUTPUT_LIMIT: usize = 256 * 1024 * 1024;
/// How long after a command's end its output may still be held open by what it left running in the background.
const LINGER: Duration = Duration::from_secs(5);
/// How long ending a command early may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// What is written at once.
const CHUNK: usize = 32 * 1024;

/// What a command said, and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub exit: Exit,
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(u32),
    /// By this signal, `KILL`.
    Signal(String),
    /// The server did not say.
    #[default]
    None,
}

impl Session {
    /// Runs one command line through the login shell, writes `stdin` to it, collects both streams until the channel
    /// closes. Cancelling the call, or the end of `limit`, takes the command's pipes away and sends it a signal; sshd
    /// delivers that to a login that is not root only, so a command that must not go on has to carry a limit itself.
    pub async fn exec(&self, command: &str, stdin: Vec<u8>, limit: Duration) -> Result<Output, SshError> {
        let stdin = Zeroizing::new(stdin);
        let deadline = Instant::now() + limit;
        let collected = Arc::new(Mutex::new(Output::default()));
        let running = timeout_at(deadline, self.run(command, &stdin, &collected)).await;
        running.unwrap_or_else(|_| {
            let partial = Box::new(taken(&collected));
            Err(SshError::CommandTimeout { at: self.endpoint().clone(), limit, partial })
        })
    }

    async fn run(&self, command: &str, stdin: &[u8], collected: &Arc<Mutex<Output>>) -> Result<Output, SshError> {
        let at = self.endpoint().clone();
        let _slot = self.0.slots.acquire().await;
        let channel = self.open("a command", self.0.handle.channel_open_session()).await?;
        if channel.exec(true, command).await.is_err() {
            return Err(self.lost(Output::default()).await);
        }
        let (read, write) = channel.split();
        let mut command = Running { write: Some(write), reader: tokio::spawn(drain(read, Arc::clone(collected))) };
        let end = command.feed(stdin).await;
        match end {
            Ended::Closed => command.write = None,
            Ended::Lingering | Ended::Refused | Ended::TooMuch => {}
            Ended::Lost => {
                return Err(self.lost(taken(collected)).await);
            }
        }
        match end {
            Ended::Refused => Err(SshError::ExecRefused { at }),
            Ended::TooMuch => Err(SshError::TooMuchOutput { at, limit: OUTPUT_LIMIT }),
            _ => Ok(taken(collected)),
        }
    }

    /// Waits for a channel, within the connection's patience.
    pub(super) async fn open<T>(
        &self,
        purpose: &str,
        opening: impl Future<Output = Result<T, russh::Error>>,
    ) -> Result<T, SshError> {
        let (at, limit) = (self.endpoint().clone(), self.0.patience);
        match timeout(limit, opening).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(failure))) => {
                let reason = failure.description().to_owned();
                Err(SshError::ChannelRefused { at, purpose: purpose.to_owned(), reason })
            }
            Ok(Err(_)) => Err(self.lost(Output::default()).await),
            Err(_) => Err(SshError::Timeout { at, phase: Phase::Channel, limit }),
        }
    }

    /// The connection broke: waits for the reason, which may come a moment later.
    pub(super) async fn lost(&self, partial: Output) -> SshError {
        let reason = match timeout(FAREWELL, self.0.end()).await {
            Ok(end) => end.to_string(),
            Err(_) => "the channel broke off".to_owned(),
        };
        let received = (partial.stdout.len() + partial.stderr.len()) as u64;
        SshError::Lost { at: self.endpoint().clone(), received, partial: Box::new(partial), reason }
    }
}

fn taken(collected: &Mutex<Output>) -> Output {
    std::mem::take(&mut collected.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A command on its channel. Dropped before its end, it is asked to stop.
struct Running {
    write: Option<ChannelWriteHalf<Msg>>,
    reader: JoinHandle<Ended>,
}

/// How a channel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// As it should.
    Closed,
    /// The command ended, but something holds its output open.
    Lingering,
    /// The server would not run it.
    Refused,
    /// Too much output.
    TooMuch,
    /// With the connection.
    Lost,
}

impl Running {
    /// Writes all of stdin, then waits for the end. The end may come first: then nobody reads the rest.
    async fn feed(&mut self, stdin: &[u8]) -> Ended {
        let Self { write: Some(write), reader } = self else { return Ended::Lost };
        let mut reader = std::pin::pin!(reader);
        let feeding = async {
            for chunk in stdin.chunks(CHUNK) {
                write.data_bytes(chunk.to_vec()).await?;
            }
            write.eof().await
        };
        tokio::select! {
            end = &mut reader => return end.unwrap_or(Ended::Lost),
            // A failure to write shows in the reader's end, with its reason.
            _ = feeding => {}
        }
        reader.await.unwrap_or(Ended::Lost)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.reader.abort();
        if let (Some(write), Ok(runtime)) = (self.write.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(timeout(FAREWELL, async move {
                let _ = write.signal(Sig::TERM).await;
                let _ = write.close().await;
            }));
        }
    }
}

async fn drain(mut channel: ChannelReadHalf, collected: Arc<Mutex<Output>>) -> Ended {
    let mut has_exited = false;
    loop {
        let message = if has_exited {
            match timeout(LINGER, channel.wait()).await {
                Ok(message) => message,
                Err(_) => return Ended::Lingering,
            }
        } else {
            channel.wait().await
        };
        let mut output = collected.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            Some(ChannelMsg::Data { data }) => output.stdout.extend_from_slice(&data),
            Some(ChannelMsg::ExtendedData { data, ext: 1 }) => output.stderr.extend_from_slice(&data),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                output.exit = Exit::Code(exit_status);
                has_exited = true;
            }
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                output.exit = Exit::Signal(signal(&signal_name));
                has_exited = true;
            }
            Some(ChannelMsg::Failure) => return Ended::Refused,
            Some(ChannelMsg::Close) => return Ended::Closed,
            Some(_) => {}
            None => return Ended::Lost,
        }
        if output.stdout.len().max(output.stderr.len()) > OUTPUT_LIMIT {
            return Ended::TooMuch;
        }
    }
}

fn signal(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::error::SshError;
    use super::super::fake::pair;
    use super::{Exit, Output};
    use crate::transport::ssh::Session;

    const LIMIT: Duration = Duration::from_secs(30);

    async fn run(command: &str, stdin: &[u8]) -> Result<Output, SshError> {
        let (server, client) = pair();
        client.connect(&server).await.unwrap().exec(command, stdin.to_vec(), LIMIT).await
    }

    #[tokio::test]
    async fn three_megabytes_go_both_ways_at_once() {
        let input: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let output = run("cat", &input).await.unwrap();
        assert!(output.stdout == input, "{} bytes came back", output.stdout.len());
        assert_eq!(output.exit, Exit::Code(0));
    }

    #[tokio::test]
    async fn what_comes_after_the_exit_status_is_part_of_the_answer() {
        let output = run("status before the last words", b"").await.unwrap();
        let expected = Output { stdout: b"last ".to_vec(), stderr: b"words".to_vec(), exit: Exit::Code(7) };
        assert_eq!(output, expected);
    }

    #[tokio::test]
    async fn a_signal_and_a_missing_status_are_told_apart() {
        assert_eq!(run("killed", b"").await.unwrap().exit, Exit::Signal("KILL".to_owned()));
        assert_eq!(run("no status", b"").await.unwrap().exit, Exit::None);
    }

    #[tokio::test]
    async fn a_server_that_runs_no_commands_is_named_as_such() {
        let error = run("refused", b"").await.unwrap_err();
        assert!(matches!(error, SshError::ExecRefused { .. }), "{error}");
        assert!(error.help().unwrap().contains("shell"));
    }

    #[tokio::test]
    async fn a_connection_that_ends_in_the_middle_tells_how_much_had_come_and_why() {
        let error = run("says three bytes and breaks off", b"").await.unwrap_err();
        assert!(matches!(error, SshError::Lost { received: 3, .. }), "{error}");
        assert!(error.to_string().contains("maintenance"), "{error}");
        let error = run("hang up", b"").await.unwrap_err();
        assert!(matches!(error, SshError::Lost { received: 0, .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_beyond_its_limit_keeps_what_it_had_said_and_the_session_lives_on() {
        let (server, client) = pair();
        let session = client.connect(&server).await.unwrap();
        let error = session.exec("never ends", Vec::new(), LIMIT).await.unwrap_err();
        let SshError::CommandTimeout { partial, limit, .. } = error else { panic!("{error}") };
        assert_eq!((partial.stdout.as_slice(), limit), (b"begun".as_slice(), LIMIT));
        assert_eq!(session.exec("cat", b"alive".to_vec(), LIMIT).await.unwrap().stdout, b"alive");
    }

    #[tokio::test]
    async fn a_command_that_nobody_waits_for_does_not_hold_up_another() {
        let (server, client) = pair();
        let session = client.connect(&server).await.unwrap();
        let mut slow = Box::pin(session.exec("cat", vec![1; 3_000_000], LIMIT));
        // Begun, and then not looked at while the other runs.
        for _ in 0..6 {
            assert!(futures::poll!(&mut slow).is_pending());
            tokio::task::yield_now().await;
        }
        let quick = tokio::time::timeout(Duration::from_secs(10), session.exec("cat", b"quick".to_vec(), LIMIT));
        assert_eq!(quick.await.unwrap().unwrap().stdout, b"quick");
        assert_eq!(slow.await.unwrap().stdout.len(), 3_000_000);
    }

    #[tokio::test]
    async fn a_closed_session_runs_nothing_more() {
        let (server, client) = pair();
        let session: Session = client.connect(&server).await.unwrap();
        session.clone().close().await;
        let error = session.exec("cat", Vec::new(), LIMIT).await.unwrap_err();
        assert!(error.is_unreachable(), "{error}");
    }
}
