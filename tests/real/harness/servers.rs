use std::net::TcpStream;
use std::process::Command;
use std::process::Output;
use std::time::Duration;

use crate::support::sshd::Sshd;
use crate::support::sshd::free_port;
use crate::support::sshd::silent_listener;
use crate::support::wire::Wire;

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_server_counts_connections_and_commands() {
    let server = Sshd::start();
    assert_eq!((server.connections(), server.commands()), (0, 0));
    assert_eq!(said(&ssh(&server, server.port(), "echo there")), "there\n");
    assert_eq!((server.connections(), server.commands()), (1, 1));
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_server_stops_and_starts_again() {
    let mut server = Sshd::start();
    server.stop();
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.start_again();
    assert_eq!(said(&ssh(&server, server.port(), "echo back")), "back\n");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_server_comes_back_with_another_host_key() {
    let mut server = Sshd::start();
    let (before, trusted) = (server.host_fingerprint(), server.known_hosts_line());
    server.change_host_key();
    assert_ne!(server.host_fingerprint(), before);
    assert_ne!(server.known_hosts_line(), trusted);
    assert_eq!(said(&ssh(&server, server.port(), "echo new")), "new\n");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn further_settings_win() {
    let server = Sshd::with("ForceCommand echo forced");
    assert_eq!(said(&ssh(&server, server.port(), "echo asked")), "forced\n");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_port_refuses_and_another_never_answers() {
    assert!(TcpStream::connect(("127.0.0.1", free_port())).is_err());
    let silent = silent_listener();
    assert!(TcpStream::connect(silent.local_addr().expect("an address")).is_ok());
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_wire_is_cut_and_refused_and_joined_again() {
    let server = Sshd::start();
    let wire = Wire::to(server.port());
    assert_eq!(said(&ssh(&server, wire.port(), "echo through")), "through\n");
    assert!(wire.sent() > 1000, "{}", wire.sent());

    wire.cut_after(1000);
    assert_eq!(ssh(&server, wire.port(), "echo through").status.code(), Some(255));
    wire.refuse(true);
    assert_eq!(ssh(&server, wire.port(), "echo through").status.code(), Some(255));
    wire.refuse(false);
    wire.slow_down(Duration::from_millis(20));
    assert_eq!(said(&ssh(&server, wire.port(), "echo again")), "again\n");
    assert_eq!(wire.connections(), 3);
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_stalled_wire_goes_on_where_it_stood() {
    let server = Sshd::start();
    let wire = Wire::to(server.port());
    wire.stall(true);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ssh(&server, wire.port(), "echo late"));
        while wire.connections() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(server.commands(), 0);
        wire.stall(false);
        assert_eq!(said(&waiting.join().expect("ssh")), "late\n");
    });
}

fn ssh(server: &Sshd, port: u16, command: &str) -> Output {
    Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", "-i"])
        .arg(server.key())
        .args(["-p", &port.to_string(), &format!("{}@127.0.0.1", Sshd::user()), command])
        .output()
        .expect("ssh starts")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}
