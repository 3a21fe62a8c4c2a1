//! The keys and certificates of a control plane, made anew for each, and the kubeconfig files that hold them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::date_time_ymd;

use super::access::Access;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its private key, both PEM.
struct Identity {
    certificate: String,
    key: String,
}

/// Writes all that the parts read: `ca.crt`, `server.{crt,key}`, `expired.{crt,key}`, `accounts.{pub,key}`, and the
/// kubeconfig files.
pub(super) fn prepare(dir: &Path, address: &str, port: u16, names: &[&str]) {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).expect("a file of the control plane");
    let authority = authority("cluster");
    write("ca.crt", &authority.pem());

    let server = server(&authority, &[&[address], names].concat());
    write("server.crt", &server.certificate);
    write("server.key", &server.key);
    let expired = expired_server(&authority);
    write("expired.crt", &expired.certificate);
    write("expired.key", &expired.key);
    let accounts = key();
    write("accounts.key", &accounts.serialize_pem());
    write("accounts.pub", &accounts.public_key_pem());

    let direct = format!("https://{address}:{port}");
    for (part, user) in
        [("controllers", "system:kube-controller-manager"), ("scheduler", "system:kube-scheduler"), ("kwok", "kwok")]
    {
        let identity = client(&authority, user, Some("system:masters"), false);
        write(&format!("{part}.kubeconfig"), &kubeconfig(user, &direct, &authority.pem(), &identity));
    }
    for access in Access::ALL {
        let trusted = if access == Access::WrongAuthority { self::authority("another").pem() } else { authority.pem() };
        let server = if access == Access::ExpiredServer { format!("https://localhost:{port}") } else { direct.clone() };
        let identity = client(&authority, access.user(), access.group(), access == Access::ExpiredClient);
        fs::write(access.kubeconfig(dir), kubeconfig(access.user(), &server, &trusted, &identity))
            .expect("a kubeconfig");
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn named(name: &str, alternatives: &[&str]) -> CertificateParams {
    let alternatives: Vec<String> = alternatives.iter().map(ToString::to_string).collect();
    let mut parameters = CertificateParams::new(alternatives).expect("names and addresses");
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

fn authority(name: &str) -> Authority {
    let mut parameters = named(name, &[]);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(parameters, key()).expect("a CA")
}

fn server(authority: &Authority, names: &[&str]) -> Identity {
    signed(authority, named("apiserver", names), ExtendedKeyUsagePurpose::ServerAuth)
}

fn expired_server(authority: &Authority) -> Identity {
    let mut parameters = named("apiserver, expired", &["localhost"]);
    expire(&mut parameters);
    signed(authority, parameters, ExtendedKeyUsagePurpose::ServerAuth)
}

fn client(authority: &Authority, user: &str, group: Option<&str>, expired: bool) -> Identity {
    let mut parameters = named(user, &[]);
    if let Some(group) = group {
        parameters.distinguished_name.push(DnType::OrganizationName, group);
    }
    if expired {
        expire(&mut parameters);
    }
    signed(authority, parameters, ExtendedKeyUsagePurpose::ClientAuth)
}

/// The bounds that rcgen sets by itself hold for longer than any test runs.
fn expire(parameters: &mut CertificateParams) {
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2021, 1, 1);
}

fn signed(authority: &Authority, mut parameters: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> Identity {
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![purpose];
    let key = key();
    let certificate = parameters.signed_by(&key, authority).expect("a certificate").pem();
    Identity { certificate, key: key.serialize_pem() }
}

fn kubeconfig(user: &str, server: &str, trusted: &str, identity: &Identity) -> String {
    let (trusted, certificate, key) =
        (STANDARD.encode(trusted), STANDARD.encode(&identity.certificate), STANDARD.encode(&identity.key));
    format!(
        "apiVersion: v1
kind: Config
current-context: lab
contexts:
- name: lab
  context:
    cluster: lab
    user: {user}
clusters:
- name: lab
  cluster:
    server: {server}
    certificate-authority-data: {trusted}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"
    )
}
