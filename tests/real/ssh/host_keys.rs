//! Who is talked to is checked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use labctl::transport::ssh::Kind;
use labctl::transport::ssh::Nobody;
use labctl::transport::ssh::Session;
use labctl::transport::ssh::SshError;
use labctl::transport::ssh::Trust;
use labctl::transport::ssh::append_known_host;
use labctl::transport::ssh::fetch_host_key;

use super::person::Person;
use crate::support::sshd::Sshd;

async fn refusal(person: &Person, sshd: &Sshd) -> SshError {
    let settings = person.resolve(&person.ssh(sshd)).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("the host key is not right");
    assert_eq!(error.kind(), Kind::HostKey);
    error
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn an_unknown_host_is_refused_with_its_fingerprint_and_the_remedy() {
    let sshd = Sshd::start();
    let error = refusal(&Person::new(), &sshd).await;
    let text = error.to_string();
    assert!(text.contains(&sshd.host_fingerprint()) && text.contains("ssh-ed25519"), "{text}");
    assert!(error.help().expect("a hint").contains("labctl trust n5"));
    assert!(!sshd.log().contains("Accepted"), "it logged in");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_changed_host_is_refused_with_both_fingerprints_and_the_line() {
    let mut sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let before = sshd.host_fingerprint();
    sshd.change_host_key();
    let error = refusal(&person, &sshd).await;
    let text = error.to_string();
    for part in [before, sshd.host_fingerprint(), format!("{}:1", person.known_hosts().display())] {
        assert!(text.contains(&part), "{part} is not in: {text}");
    }

    // The remedy works as it is written.
    let help = error.help().expect("a hint");
    let command = help.split('`').find(|part| part.starts_with("ssh-keygen")).expect("a command");
    assert!(Command::new("sh").args(["-c", command]).status().expect("sh").success(), "{command}");
    assert!(matches!(refusal(&person, &sshd).await, SshError::UnknownHostKey(_)));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_pin_needs_no_known_hosts_and_is_not_helped_by_it() {
    let mut sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let mut ssh = person.ssh(&sshd);
    ssh.known_hosts = None;
    ssh.host_key = Some(sshd.host_fingerprint());
    let settings = person.resolve(&ssh).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("the pinned host");

    sshd.change_host_key();
    let settings = person.knows(&sshd).resolve(&ssh).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("not the pinned host");
    assert!(matches!(error, SshError::PinnedHostKey(_)), "{error}");
    assert!(error.to_string().contains(&sshd.host_fingerprint()), "{error}");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn what_trust_records_is_accepted_by_labctl_and_by_ssh() {
    let mut sshd = Sshd::start();
    for hash in ["no", "yes"] {
        let person = Person::new().configures(&format!("HashKnownHosts {hash}\n"));
        let folder = person.path("new/ssh");
        let mut ssh = person.ssh(&sshd);
        ssh.known_hosts = Some(folder.join("known_hosts").display().to_string());
        let settings = person.resolve(&ssh).await.expect("settings");
        let offered = fetch_host_key(&settings, &Nobody).await.expect("a host key");
        assert_eq!((offered.fingerprint.clone(), &offered.trust), (sshd.host_fingerprint(), &Trust::Unknown));
        assert!(offered.record().expect("a new line"));
        assert!(!offered.record().expect("the line is there already"));

        let file = folder.join("known_hosts");
        let line = fs::read_to_string(&file).expect("known_hosts");
        assert_eq!(line.contains("127.0.0.1"), hash == "no", "{line}");
        let mode = |path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
        assert_eq!(fetch_host_key(&settings, &Nobody).await.expect("a host key").trust, Trust::Known);
        Session::connect(&settings, &Nobody).await.expect("a trusted host");
        assert!(Person::can_ssh(&sshd, &file), "ssh does not accept the line");
    }
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 4);
    sshd.stop();
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn trust_never_writes_beside_another_recorded_key() {
    let mut sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let settings = person.resolve(&person.ssh(&sshd)).await.expect("settings");
    sshd.change_host_key();
    let recorded = fs::read(person.known_hosts()).expect("known_hosts");
    let offered = fetch_host_key(&settings, &Nobody).await.expect("a host key");
    assert!(matches!(&offered.trust, Trust::Changed(keys) if keys.len() == 1), "{:?}", offered.trust);
    assert!(matches!(offered.objection(), Some(SshError::ChangedHostKey(_))));
    let error = append_known_host(&person.known_hosts(), &offered).expect_err("another key is recorded");
    assert!(matches!(error, SshError::ChangedHostKey(_)), "{error}");
    assert_eq!(fs::read(person.known_hosts()).expect("known_hosts"), recorded);
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_node_that_moved_is_followed_by_its_previous_name_and_recorded_under_the_new_one() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let mut ssh = person.ssh(&sshd);
    ssh.host = "localhost".to_owned();
    ssh.previous = Some(format!("127.0.0.1:{}", sshd.port()));
    let settings = person.resolve(&ssh).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("the same host key");

    let offered = fetch_host_key(&settings, &Nobody).await.expect("a host key");
    assert_eq!(offered.trust, Trust::Unknown);
    assert!(offered.record().expect("a new line"));
    ssh.previous = None;
    let settings = person.resolve(&ssh).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("known by its new name");
}
