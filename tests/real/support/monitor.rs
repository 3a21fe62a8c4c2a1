//! QEMU's monitor on a Unix socket.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

/// Runs one command of the human monitor, which alone has `savevm` and `loadvm`, and returns what it says.
pub(crate) fn run(socket: &Path, line: &str) -> String {
    let stream = connect(socket);
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    let mut ask = |execute: &str, arguments: Value| {
        let request = json!({"execute": execute, "arguments": arguments});
        writeln!(writer, "{request}").expect("the monitor reads");
        answer(&mut reader)
    };
    ask("qmp_capabilities", json!({}));
    let said = ask("human-monitor-command", json!({"command-line": line}));
    said.as_str().unwrap_or_else(|| panic!("monitor: {line}: {said}")).trim().to_owned()
}

/// The next reply; greetings and events are passed over.
fn answer(reader: &mut impl BufRead) -> Value {
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).expect("the monitor answers");
        assert!(read > 0, "QEMU closed its monitor");
        let mut message: Value = serde_json::from_str(&line).expect("JSON from the monitor");
        if let Some(error) = message.get("error") {
            panic!("monitor: {error}");
        }
        if let Some(reply) = message.get_mut("return") {
            return reply.take();
        }
    }
}

fn connect(socket: &Path) -> UnixStream {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > deadline => panic!("QEMU's monitor {}: {error}", socket.display()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
