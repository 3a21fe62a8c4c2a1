//! Keys, agents, and what the user's SSH configuration says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use labctl::lab;
use labctl::transport::ssh::Kind;
use labctl::transport::ssh::Nobody;
use labctl::transport::ssh::Session;
use labctl::transport::ssh::SshError;

use super::LIMIT;
use super::person::Agent;
use super::person::Person;
use super::person::Scripted;
use super::person::make_key;
use crate::support::sshd::Sshd;

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_wrong_key_is_named_with_the_server_that_refused_it() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let key = make_key(person.home(), "wrong", "ed25519", "");
    let mut ssh = person.ssh(&sshd);
    ssh.identity = Some(key.display().to_string());
    let settings = person.resolve(&ssh).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("the key is wrong");
    assert_eq!(error.kind(), Kind::Login);
    let text = error.to_string();
    for part in [format!("{} (refused)", key.display()), format!("`{}`", Sshd::user()), "publickey".to_owned()] {
        assert!(text.contains(&part), "{part} is not in: {text}");
    }
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_key_file_that_is_not_there_is_an_error_before_anything_is_sent() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let mut ssh = person.ssh(&sshd);
    ssh.identity = Some("~/.ssh/nothing".to_owned());
    let settings = person.resolve(&ssh).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("there is no key");
    assert_eq!(error.to_string(), format!("the key {}: there is no such file", person.path(".ssh/nothing").display()));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn an_encrypted_key_asks_until_the_passphrase_fits() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let key = make_key(person.home(), "locked", "ed25519", "open sesame");
    sshd.lets_in(&key);
    let mut ssh = person.ssh(&sshd);
    ssh.identity = Some(key.display().to_string());
    let settings = person.resolve(&ssh).await.expect("settings");

    let error = Session::connect(&settings, &Nobody).await.expect_err("nobody is there to ask");
    assert!(matches!(&error, SshError::EncryptedKey { path } if *path == key), "{error}");
    assert!(error.help().expect("a hint").contains("ssh-add"));

    let somebody = Scripted::new(["wrong", "open sesame"]);
    Session::connect(&settings, &somebody).await.expect("the second answer fits");
    assert_eq!(somebody.asked(), 2);
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn nobody_is_asked_for_a_key_that_the_server_would_not_take() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let key = make_key(person.home(), "locked", "ed25519", "open sesame");
    let mut ssh = person.ssh(&sshd);
    ssh.identity = Some(key.display().to_string());
    let settings = person.resolve(&ssh).await.expect("settings");
    let somebody = Scripted::new(["open sesame"]);
    Session::connect(&settings, &somebody).await.expect_err("the key is wrong");
    assert_eq!(somebody.asked(), 0);
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn keys_of_every_kind_open_the_door() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = make_key(person.home(), kind, kind, "");
        sshd.lets_in(&key);
        let mut ssh = person.ssh(&sshd);
        ssh.identity = Some(key.display().to_string());
        let settings = person.resolve(&ssh).await.expect("settings");
        Session::connect(&settings, &Nobody).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn the_agent_signs_and_only_named_keys_are_offered_where_the_user_says_so() {
    let sshd = Sshd::start();
    let agent = Agent::start();
    for name in ["a", "b", "c"] {
        agent.add(&make_key(agent.home(), name, "ed25519", ""));
    }
    agent.add(&sshd.key());
    let mut person = Person::new().knows(&sshd);
    person.agent = Some(agent.socket());
    let mut ssh = person.ssh(&sshd);
    ssh.identity = None;
    let settings = person.resolve(&ssh).await.expect("settings");
    let session = Session::connect(&settings, &Nobody).await.expect("a session");
    session.exec("true", Vec::new(), LIMIT).await.expect("an answer");

    // Beside the public key alone, which names the agent's key.
    let public = person.path(".ssh/mine.pub");
    fs::copy(sshd.key().with_extension("pub"), &public).expect("a copy");
    let person = person.configures(&format!("IdentitiesOnly yes\nIdentityFile {}\n", public.display()));
    let settings = person.resolve(&ssh).await.expect("settings");
    let before = sshd.log().matches("Failed publickey").count();
    Session::connect(&settings, &Nobody).await.expect("a session");
    assert_eq!(sshd.log().matches("Failed publickey").count(), before, "other keys were offered");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn too_many_keys_are_called_that_and_a_named_key_is_tried_before_them() {
    let sshd = Sshd::start();
    let agent = Agent::start();
    for i in 0..8 {
        agent.add(&make_key(agent.home(), &format!("key{i}"), "ed25519", ""));
    }
    let mut person = Person::new().knows(&sshd);
    person.agent = Some(agent.socket());
    let mut ssh = person.ssh(&sshd);
    let settings = person.resolve(&ssh).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("the named key comes first");

    ssh.identity = None;
    let settings = person.resolve(&ssh).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("none of them is right");
    assert!(matches!(error, SshError::TooManyKeys { .. }), "{error}");
    assert!(error.help().expect("a hint").contains("IdentitiesOnly"));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn an_agent_that_is_gone_is_named_only_where_it_matters() {
    let sshd = Sshd::start();
    let mut person = Person::new().knows(&sshd);
    person.agent = Some(person.path("no-agent"));
    let mut ssh = person.ssh(&sshd);
    let settings = person.resolve(&ssh).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("the file is enough");

    ssh.identity = None;
    let settings = person.resolve(&ssh).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("there is no key");
    assert!(error.to_string().contains("no-agent"), "{error}");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_certificate_beside_the_key_opens_the_door() {
    let ca_home = tempfile::tempdir().expect("a folder");
    let ca = make_key(ca_home.path(), "ca", "ed25519", "");
    let sshd = Sshd::with(&format!("TrustedUserCAKeys {}", ca.with_extension("pub").display()));
    let person = Person::new().knows(&sshd);
    let key = make_key(person.home(), "certified", "ed25519", "");
    let mut signing = Command::new("ssh-keygen");
    signing.args(["-q", "-I", "me", "-n", &Sshd::user(), "-s"]).arg(&ca).arg(key.with_extension("pub"));
    assert!(signing.status().expect("ssh-keygen").success());
    let mut ssh = person.ssh(&sshd);
    ssh.identity = Some(key.display().to_string());
    let settings = person.resolve(&ssh).await.expect("settings");
    Session::connect(&settings, &Nobody).await.expect("the certificate is enough");
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn match_and_include_of_the_users_configuration_hold_and_the_file_wins() {
    let sshd = Sshd::start();
    let person = Person::new();
    let alias = format!("HostKeyAlias lab-n5\nUserKnownHostsFile {}\n", person.known_hosts().display());
    fs::write(
        person.known_hosts(),
        sshd.known_hosts_line().replacen(&format!("[127.0.0.1]:{}", sshd.port()), "lab-n5", 1),
    )
    .expect("known_hosts");
    fs::write(person.path("included"), format!("Host n5\n  HostName 127.0.0.1\n  Port {}\n", sshd.port()))
        .expect("a file");
    let included = person.path("included");
    let person = person.configures(&format!(
        "Include {}\nMatch originalhost n5 user {}\n  IdentityFile {}\n{alias}Host *\n  User nobody\n  Port 1\n",
        included.display(),
        Sshd::user(),
        sshd.key().display(),
    ));
    let mut ssh = lab::Ssh::to("n5");
    ssh.user = Some(Sshd::user());
    let settings = person.resolve(&ssh).await.expect("settings");
    assert_eq!((settings.host.as_str(), settings.port), ("127.0.0.1", sshd.port()));
    Session::connect(&settings, &Nobody).await.expect("all of it comes from the configuration");

    ssh.port = Some(1);
    let settings = person.resolve(&ssh).await.expect("settings");
    assert_eq!((settings.port, settings.user), (1, Sshd::user()));
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_configuration_that_ssh_refuses_is_shown_as_ssh_says_it() {
    let person = Person::new().configures("NoSuchOption yes\n");
    let error = person.resolve(&lab::Ssh::to("n5")).await.expect_err("a bad option");
    assert!(error.to_string().to_lowercase().contains("nosuchoption"), "{error}");
    assert_eq!(error.kind(), Kind::Settings);
}

#[tokio::test]
#[ignore = "real lab: run `tests/lab/run`"]
async fn a_key_that_others_may_read_is_not_used() {
    let sshd = Sshd::start();
    let person = Person::new().knows(&sshd);
    let key = person.path("open");
    fs::copy(sshd.key(), &key).expect("a copy");
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    open(&key, 0o644);
    let mut ssh = person.ssh(&sshd);
    ssh.identity = Some(key.display().to_string());
    let settings = person.resolve(&ssh).await.expect("settings");
    let error = Session::connect(&settings, &Nobody).await.expect_err("others may read the key");
    assert!(error.to_string().contains("chmod 600"), "{error}");
    open(&key, 0o600);
    Session::connect(&settings, &Nobody).await.expect("a session");
}
