//! A child process that ends with the test process, however that ends, and leaves no folder behind.

use std::fs::File;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

/// Waits on a pipe that only the test process holds: its end of file is the test's end, also after `kill -9`.
/// The last line removes the folder, because nothing is dropped when a static's process ends. It tries twice: a program
/// of another keeper, which ends at the same time, may still write there.
const KEEPER: &str = r#"
trap '' INT TERM HUP
dir=$1 log=$2; shift 2
setpriv --pdeathsig KILL "$@" </dev/null >"$log" 2>&1 &
cat >/dev/null
kill -KILL $! 2>/dev/null
wait
[ -z "$dir" ] || rm -rf "$dir" || { sleep 1; rm -rf "$dir"; }
"#;

/// The keeper of a program. Dropping it ends the program.
pub(crate) struct Tied(Child);

impl Tied {
    /// Starts the program with its output in `log`. `dir`, if any, is removed after it has ended.
    pub(crate) fn spawn(command: &Command, log: &Path, dir: Option<&Path>) -> Self {
        File::create(log).expect("the log file");
        let child = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(dir.unwrap_or_else(|| Path::new("")))
            .arg(log)
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("sh starts");
        Self(child)
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("the keeper ends");
    }
}
