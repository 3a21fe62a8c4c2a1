//! Servers that are down, silent or behind others.

use std::net::TcpListener;
use std::time::Duration;
use std::time::Instant;

use labctl::lab;
use labctl::transport::ssh::Nobody;
use labctl::transport::ssh::Phase;
use labctl::transport::ssh::Session;
use labctl::transport::ssh::SshError;
use labctl::transport::ssh::Trust;
use labctl::transport::ssh::fetch_host_key;

use super::LIMIT;
use super::person::Person;
use crate::support::sshd::Sshd;
use crate::support::sshd::silent_listener;
use crate::support::wire::Wire;

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_stopped_server_is_known_at_once() {
    let mut sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    sshd.stop();
    let settings = person.resolve(&person.ssh(&sshd)).await.expect("settings");
    let began = Instant::now();
    let error = Session::connect(&settings, &Nobody).await.expect_err("nobody listens");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(error.is_unreachable());
    assert_eq!(error.to_string(), format!("127.0.0.1:{} refused the connection", sshd.port()));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_server_that_accepts_and_is_silent_is_given_up_in_time() {
    let silent = silent_listener();
    assert_eq!(gives_up(&silent).await, Phase::Banner);
}

async fn gives_up(listener: &TcpListener) -> Phase {
    let person = Person::new();
    let mut ssh = lab::Ssh::to("127.0.0.1");
    ssh.port = Some(listener.local_addr().expect("an address").port());
    ssh.connect_timeout = Duration::from_secs(1);
    let settings = person.resolve(&ssh).await.expect("settings");
    let began = Instant::now();
    let error = Session::connect(&settings, &Nobody).await.expect_err("it never speaks");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(error.is_unreachable());
    let SshError::Timeout { phase, .. } = error else { panic!("{error}") };
    phase
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_name_that_nobody_knows_is_called_that() {
    let person = Person::new();
    let settings = person.resolve(&lab::Ssh::to("n5.invalid")).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("there is no such name");
    assert!(error.is_unreachable());
    assert!(error.to_string().starts_with("the host name `n5.invalid` was not found"), "{error}");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_node_is_reached_through_two_jump_hosts() {
    let (first, second, last) = (Sshd::start(), Sshd::start(), Sshd::start());
    let person = Person::new().knows(&first).knows(&second).knows(&last).configures(&format!(
        "IdentityFile {}\nIdentityFile {}\nIdentityFile {}\nUserKnownHostsFile {}\n",
        first.key().display(),
        second.key().display(),
        last.key().display(),
        Person::new().known_hosts().display(),
    ));
    let mut ssh = person.ssh(&last);
    let user = Sshd::user();
    ssh.proxy_jump = Some(format!("{user}@127.0.0.1:{},{user}@127.0.0.1:{}", first.port(), second.port()));
    let settings = person.resolve(&ssh).await.expect("settings");
    let session = Session::connect(&settings, &Nobody).await.expect("a session");
    let input = vec![b'x'; 2_000_000];
    let output = session.exec("cat", input.clone(), LIMIT).await.expect("an answer");
    assert!(output.stdout == input, "{} bytes", output.stdout.len());
    session.close().await;
    assert_eq!((first.connections(), second.connections(), last.connections()), (1, 1, 1));
    assert_eq!((first.commands(), second.commands(), last.commands()), (0, 0, 1));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_proxy_jump_of_the_users_configuration_is_followed_and_its_host_checked() {
    let (mut hop, last) = (Sshd::start(), Sshd::start());
    let person = Person::new().knows(&hop).knows(&last);
    let config = format!(
        "Host bastion\n  HostName 127.0.0.1\n  Port {}\n  IdentityFile {}\nHost 127.0.0.1\n  ProxyJump bastion\n",
        hop.port(),
        hop.key().display()
    );
    let person = person.configures(&config);
    let settings = person.resolve(&person.ssh(&last)).await.expect("settings");
    assert_eq!(settings.proxy_jump.len(), 1);
    Session::connect(&settings, &Nobody).await.expect("a session");

    hop.change_host_key();
    let error = Session::connect(&settings, &Nobody).await.expect_err("the jump host is another");
    let SshError::Hop { source, .. } = error else { panic!("{error}") };
    assert!(matches!(*source, SshError::ChangedHostKey(_)), "{source}");

    hop.stop();
    let error = Session::connect(&settings, &Nobody).await.expect_err("the jump host is down");
    assert!(error.is_unreachable());
    assert!(error.to_string().starts_with(&format!("jump host 127.0.0.1:{}", hop.port())), "{error}");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn trust_asks_for_each_host_on_the_way() {
    let (hop, last) = (Sshd::start(), Sshd::start());
    let person = Person::new().configures(&format!("IdentityFile {}\n", hop.key().display()));
    let mut ssh = person.ssh(&last);
    ssh.proxy_jump = Some(format!("127.0.0.1:{}", hop.port()));
    let settings = person.resolve(&ssh).await.expect("settings");
    for fingerprint in [hop.host_fingerprint(), last.host_fingerprint()] {
        let offered = fetch_host_key(&settings, &Nobody).await.expect("a host key");
        assert_eq!((&offered.fingerprint, &offered.trust), (&fingerprint, &Trust::Unknown));
        assert!(offered.record().expect("a new line"));
    }
    assert_eq!(fetch_host_key(&settings, &Nobody).await.expect("a host key").trust, Trust::Known);
    Session::connect(&settings, &Nobody).await.expect("a session");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_jump_that_is_cut_breaks_the_session_that_it_carries() {
    let (hop, last) = (Sshd::start(), Sshd::start());
    let wire = Wire::to(hop.port());
    let person = Person::new().knows(&last).configures(&format!(
        "Host 127.0.0.1\n  IdentityFile {}\n  HostKeyAlias hop\nHost localhost\n  HostName 127.0.0.1\n",
        hop.key().display()
    ));
    let line = hop.known_hosts_line();
    let key = line.split_once(' ').expect("a key").1;
    std::fs::write(person.known_hosts(), format!("hop {key}{}", last.known_hosts_line())).expect("known_hosts");
    let mut ssh = person.ssh(&last);
    ssh.host = "localhost".to_owned();
    ssh.proxy_jump = Some(format!("127.0.0.1:{}", wire.port()));
    let settings = person.resolve(&ssh).await.expect("settings");
    let session = Session::connect(&settings, &Nobody).await.expect("a session");
    let running = session.exec("exec sleep 60", vec![0; 4_000_000], LIMIT);
    let cutting = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        wire.cut();
    };
    let began = Instant::now();
    let (answer, ()) = tokio::join!(running, cutting);
    assert!(answer.expect_err("it was cut").is_unreachable());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn what_labctl_cannot_do_is_said_with_the_remedy() {
    let person =
        Person::new().configures("Host n5\n  ProxyCommand nc %h %p\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n");
    let error = person.resolve(&lab::Ssh::to("n5")).await.expect_err("a proxy command");
    assert!(error.to_string().contains("ProxyCommand nc"), "{error}");
    assert!(error.help().expect("a hint").contains("proxy_jump"));
    let error = person.resolve(&lab::Ssh::to("a")).await.expect_err("a loop");
    assert!(error.to_string().contains("loop"), "{error}");
}
