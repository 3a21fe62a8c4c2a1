//! The machine that labctl runs on: the same scripts through a local `sh`, in the current folder.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::link::Exec;

/// What is read at once.
const CHUNK: usize = 32 * 1024;

/// Runs a script and collects what it prints. It is ended when the limit runs out, or when it prints more than `most` bytes
/// on one stream: that is a mistake, and would fill the memory.
pub(super) async fn exec(script: &[u8], limit: Duration, most: usize) -> Result<Exec, String> {
    let mut command = tokio::process::Command::new("sh");
    command.arg("-s").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("`sh` could not be started: {error}"))?;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = streams else {
        return Err("`sh` has no streams".to_owned());
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    // A shell that ends early closes its stdin; its reply tells why, not the broken pipe.
    let feed = async {
        let _ = stdin.write_all(script).await;
        drop(stdin);
        Ok(())
    };
    let all = async { tokio::try_join!(feed, collect(stdout, &mut out, most), collect(stderr, &mut err, most)) };
    let broken = match tokio::time::timeout(limit, all).await {
        Ok(Ok(_)) => None,
        Ok(Err(TooMuch)) => Some(format!("it printed more than {most} bytes")),
        Err(_) => Some(format!("it did not end within {} s", limit.as_secs())),
    };
    Ok(Exec { stdout: out, stderr: String::from_utf8_lossy(&err).into_owned(), broken })
}

/// More was printed than may be.
struct TooMuch;

async fn collect(mut stream: impl AsyncRead + Unpin, into: &mut Vec<u8>, most: usize) -> Result<(), TooMuch> {
    let mut chunk = vec![0; CHUNK];
    // A stream that can't be read any more has ended.
    while let Ok(length) = stream.read(&mut chunk).await
        && length > 0
    {
        into.extend_from_slice(&chunk[..length]);
        if into.len() > most {
            return Err(TooMuch);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::exec;

    const LIMIT: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_script_that_never_stops_printing_is_ended() {
        for script in ["echo first; yes", "echo first; yes >&2"] {
            let exec = exec(script.as_bytes(), LIMIT, 1 << 20).await.unwrap();
            assert!(exec.stdout.starts_with(b"first\n"));
            assert!(exec.stdout.len().max(exec.stderr.len()) < 2 << 20);
            assert_eq!(exec.broken.as_deref(), Some("it printed more than 1048576 bytes"));
        }
    }

    #[tokio::test]
    async fn what_a_script_prints_is_collected_as_a_whole() {
        let exec = exec(b"head -c 300000 /dev/zero; echo err >&2", LIMIT, 300_000).await.unwrap();
        assert_eq!((exec.stdout.len(), exec.stderr.as_str(), exec.broken), (300_000, "err\n", None));
    }
}
