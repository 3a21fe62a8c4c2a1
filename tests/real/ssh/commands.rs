//! What runs on a session.

use std::time::Duration;
use std::time::Instant;

use labctl::transport::ssh::Exit;
use labctl::transport::ssh::Kind;
use labctl::transport::ssh::Nobody;
use labctl::transport::ssh::Session;
use labctl::transport::ssh::SshError;

use super::LIMIT;
use super::person::Person;
use crate::support::sshd::Sshd;
use crate::support::wire::Wire;

async fn session(sshd: &Sshd) -> Session {
    let person = Person::new().knows(sshd);
    let settings = person.resolve(&person.ssh(sshd)).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("a session")
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_command_reads_its_input_and_says_how_it_ended() {
    let sshd = Sshd::start();
    let session = session(&sshd).await;
    let output = session.exec("cat; echo oops >&2; exit 3", b"hello".to_vec(), LIMIT).await.expect("an answer");
    assert_eq!(output.stdout, b"hello");
    assert_eq!(output.stderr, b"oops\n");
    assert_eq!(output.exit, Exit::Code(3));
    session.close().await;
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn three_megabytes_go_both_ways_at_once() {
    let sshd = Sshd::start();
    let input: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let output = session(&sshd).await.exec("cat", input.clone(), LIMIT).await.expect("an answer");
    assert!(output.stdout == input, "{} bytes came back", output.stdout.len());
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_command_that_does_not_read_its_input_ends_all_the_same() {
    let sshd = Sshd::start();
    let output = session(&sshd).await.exec("exit 4", vec![0; 8_000_000], LIMIT).await.expect("an answer");
    assert_eq!(output.exit, Exit::Code(4));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_killed_command_names_its_signal() {
    let sshd = Sshd::start();
    let output = session(&sshd).await.exec("kill -KILL $$", Vec::new(), LIMIT).await.expect("an answer");
    assert_eq!(output.exit, Exit::Signal("KILL".to_owned()));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn more_commands_than_sshd_allows_at_once_wait_their_turn() {
    let sshd = Sshd::start();
    let session = session(&sshd).await;
    let runs = (0..25).map(|i| {
        let session = session.clone();
        async move { session.exec(&format!("sleep 0.1; echo {i}"), Vec::new(), LIMIT).await.expect("an answer").stdout }
    });
    let answers = futures::future::join_all(runs).await;
    let expected: Vec<Vec<u8>> = (0..25).map(|i| format!("{i}\n").into_bytes()).collect();
    assert_eq!(answers, expected);
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_command_beyond_its_limit_loses_its_pipes_and_the_session_lives_on() {
    let sshd = Sshd::start();
    let session = session(&sshd).await;
    let began = Instant::now();
    // sshd delivers no signals to the commands of root, so what ends this one is that nobody listens any more.
    let talking = "echo so far; while sleep 0.2; do echo more; done 2>/dev/null # talks for ever";
    let error = session.exec(talking, Vec::new(), Duration::from_secs(5)).await.expect_err("it goes on for ever");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(error.kind(), Kind::Command);
    let SshError::CommandTimeout { partial, .. } = error else { panic!("{error}") };
    assert!(partial.stdout.starts_with(b"so far\nmore\n"), "{partial:?}");
    let look = "for i in $(seq 25); do pgrep -f '[t]alks for ever' || exit 0; sleep 0.2; done; exit 1";
    let left = session.exec(look, Vec::new(), LIMIT).await.expect("an answer");
    assert_eq!(left.exit, Exit::Code(0), "the command still runs");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn what_a_command_leaves_in_the_background_does_not_hold_its_answer() {
    let sshd = Sshd::start();
    let began = Instant::now();
    let output = session(&sshd).await.exec("sleep 63 & echo done", Vec::new(), LIMIT).await.expect("an answer");
    assert_eq!((output.stdout.as_slice(), output.exit), (b"done\n".as_slice(), Exit::Code(0)));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_connection_that_is_cut_says_how_much_had_come() {
    let sshd = Sshd::start();
    let wire = Wire::to(sshd.port());
    let person = Person::new().knows(&sshd);
    let mut ssh = person.ssh(&sshd);
    ssh.port = Some(wire.port());
    ssh.host_key = Some(sshd.host_fingerprint());
    let settings = person.resolve(&ssh).await.expect("settings");
    let session = Session::connect(&settings, &Nobody).await.expect("a session");
    let said = person.path("said");
    let talking = format!("echo 12345; touch {}; exec sleep 60", said.display());
    let running = session.exec(&talking, Vec::new(), LIMIT);
    let cutting = async {
        // What is answered after it was said comes behind it on the same wire.
        let waiting = format!("until [ -e {} ]; do sleep 0.1; done; sleep 0.1", said.display());
        session.exec(&waiting, Vec::new(), LIMIT).await.expect("an answer");
        wire.cut();
    };
    let (answer, ()) = tokio::join!(running, cutting);
    let error = answer.expect_err("it was cut");
    assert!(error.is_unreachable());
    assert!(matches!(error, SshError::Lost { received: 6, .. }), "{error}");
    assert!(session.is_closed());
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_pulled_cable_is_noticed_by_the_keepalive() {
    let sshd = Sshd::start();
    let wire = Wire::to(sshd.port());
    let person = Person::new();
    let mut ssh = person.ssh(&sshd);
    ssh.port = Some(wire.port());
    ssh.host_key = Some(sshd.host_fingerprint());
    ssh.keepalive = Duration::from_millis(300);
    let settings = person.resolve(&ssh).await.expect("settings");
    let session = Session::connect(&settings, &Nobody).await.expect("a session");
    wire.stall(true);
    let began = Instant::now();
    let error = session.exec("echo never", Vec::new(), LIMIT).await.expect_err("nothing passes");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(error.to_string().contains("keepalive"), "{error}");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_login_without_a_shell_is_named() {
    let sshd = Sshd::with("MaxSessions 0");
    let error = session(&sshd).await.exec("true", Vec::new(), LIMIT).await.expect_err("no channel is to be had");
    assert!(matches!(error, SshError::ChannelRefused { .. }), "{error}");
    assert!(error.help().expect("a hint").contains("MaxSessions"));
}
