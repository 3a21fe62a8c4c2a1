//! The machine that labctl runs on: the same scripts through a local `sh`, in the current folder.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::link::Exec;

/// Runs a script and collects what it prints. It is ended when the limit runs out.
pub(super) async fn exec(script: &[u8], limit: Duration) -> Result<Exec, String> {
    let mut command = tokio::process::Command::new("sh");
    command.arg("-s").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("`sh` could not be started: {error}"))?;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) = streams else {
        return Err("`sh` has no streams".to_owned());
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    // A shell that ends early closes its stdin; its reply tells why, not the broken pipe.
    let feed = async {
        let _ = stdin.write_all(script).await;
        drop(stdin);
    };
    let all = async { tokio::join!(feed, stdout.read_to_end(&mut out), stderr.read_to_end(&mut err)) };
    let is_late = tokio::time::timeout(limit, all).await.is_err();
    Ok(Exec {
        stdout: out,
        stderr: String::from_utf8_lossy(&err).into_owned(),
        broken: is_late.then(|| format!("it did not end within {} s", limit.as_secs())),
    })
}
