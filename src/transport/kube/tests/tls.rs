//! Connections to a TLS server on loopback, all the way from the lab's table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::fake::{Backwards, groups};
use crate::config::{Located, Place, Sources};
use crate::lab::{ApiKind, Cluster, Ground, Kubeconfig, Lab, Meta, ObjectKey, load};
use crate::observe::{Answer, ApiAnswer, ApiAsk, Ask};
use crate::transport::contents::Outside;
use crate::transport::outcome::ReachError;
use crate::transport::ssh::Nobody;
use crate::transport::{Access, RealLab, Transport as _};

/// What a server answers to a path; its connection is closed then.
type Answers = fn(&str) -> String;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, names: &[&str], year: i32) -> (String, KeyPair) {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key)
    }

    /// Starts a server with a certificate for those names; its port.
    async fn serve(&self, names: &[&str], year: i32, answers: Answers) -> u16 {
        let (pem, key) = self.issue(names, year);
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = Vec::new();
                    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                        match stream.read_buf(&mut request).await {
                            Ok(0) | Err(_) => return,
                            Ok(_) => {}
                        }
                    }
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let _ = stream.write_all(answers(text.split(' ').nth(1).unwrap_or_default()).as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        port
    }
}

fn json(code: &str, body: &str) -> String {
    format!("HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn answers(path: &str) -> String {
    match path {
        "/api" => {
            let core = r#"{"kind":"APIGroupDiscoveryList","items":[{"versions":[{"version":"v1","resources":[
                {"resource":"namespaces","responseKind":{"kind":"Namespace"},"scope":"Cluster","verbs":["list"]}]}]}]}"#;
            json("200 OK", core)
        }
        "/apis" => json("200 OK", &groups(&[]).to_string()),
        "/api/v1/namespaces/kube-system" => json("200 OK", r#"{"kind":"Namespace","metadata":{"uid":"u"}}"#),
        // A body that ends before its time.
        path if path.contains("limit=") => {
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"kind\":\"NamespaceList\",\"items\":[]".to_owned()
        }
        _ => json("404 Not Found", "{}"),
    }
}

impl Outside for Backwards {
    fn path(&self, text: &str) -> Result<PathBuf, String> {
        Ok(text.into())
    }

    fn command(&self, argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(std::fs::read(&argv[1]).unwrap()))
    }
}

/// A kubeconfig in a folder, and a lab whose cluster `lab` it leads to.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(authority: &Authority, port: u16, cluster: &str, user: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "current-context: c\ncontexts: [{{ name: c, context: {{ cluster: c, user: u }} }}]\n\
             clusters: [{{ name: c, cluster: {{ server: 'https://127.0.0.1:{port}', certificate-authority: ca.pem{cluster} }} }}]\n\
             users: [{{ name: u, user: {{ {user} }} }}]\n"
        );
        std::fs::write(folder.path().join("ca.pem"), authority.0.pem()).unwrap();
        std::fs::write(folder.path().join("kubeconfig"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self) -> Kubeconfig {
        Kubeconfig::File { path: self.path().join("kubeconfig").to_str().unwrap().to_owned(), context: None }
    }

    async fn probe(&self, ask: ApiAsk) -> Result<Answer, ReachError> {
        self.probe_by(self.file(), ask).await
    }

    async fn probe_by(&self, kubeconfig: Kubeconfig, ask: ApiAsk) -> Result<Answer, ReachError> {
        let (lab, ask) = (lab([("lab", kubeconfig)]), Ask::Api(ask));
        let reply = lab.probe(&Ground::Cluster("lab".to_owned()), std::slice::from_ref(&ask)).await?;
        Ok(reply.answer(&ask))
    }

    async fn unreachable(&self) -> String {
        let error = self.probe(identity()).await.unwrap_err();
        let words = error.to_string();
        for part in ["cluster `lab`", "https://127.0.0.1:", "kubeconfig `"] {
            assert!(words.contains(part), "{part:?} is not in {words}");
        }
        assert!(words.contains("help: "), "{words}");
        words
    }
}

/// A lab with these clusters.
fn lab<const N: usize>(clusters: [(&str, Kubeconfig); N]) -> RealLab {
    let text = "[lab]\nname = 'home'\n[nodes.here]\nconnection = 'local'\n";
    let mut lab: Lab = load(&Sources::memory([("homelab.toml", text)])).lab.unwrap();
    let place = Place::new(&"homelab.toml".into(), text, 0..1);
    for (name, kubeconfig) in clusters {
        let (place, meta) = (place.clone(), Meta::at(place.clone()));
        let cluster =
            Cluster { name: name.to_owned(), place, k0s: None, kubeconfig, via: None, provides: Vec::new(), meta };
        lab.clusters.insert(name.to_owned(), cluster);
    }
    RealLab::new(&lab, Arc::new(Backwards), Access { read_only: false, prompt: Arc::new(Nobody) })
}

fn identity() -> ApiAsk {
    ApiAsk::Object(ObjectKey::new(ApiKind::new("v1", "Namespace"), None, "kube-system"))
}

#[tokio::test]
async fn a_kubeconfig_of_any_origin_leads_to_the_cluster() {
    let authority = Authority::new();
    let port = authority.serve(&["127.0.0.1"], 2100, answers).await;
    let bench = Bench::new(&authority, port, "", "token: t");
    let is_there = |answer: Result<Answer, ReachError>| {
        assert!(matches!(answer, Ok(Answer::Api(ApiAnswer::Object(_)))), "{answer:?}");
    };
    is_there(bench.probe(identity()).await);
    // Any other origin must hold the CA itself, or name it by its whole path.
    let text = std::fs::read_to_string(bench.path().join("kubeconfig")).unwrap();
    let data = format!("certificate-authority-data: {}", STANDARD.encode(authority.0.pem()));
    let path = bench.path().join("whole").to_str().unwrap().to_owned();
    std::fs::write(&path, text.replace("certificate-authority: ca.pem", &data)).unwrap();
    is_there(bench.probe_by(Kubeconfig::Command(vec!["print".to_owned(), path.clone()]), identity()).await);
    let place = Place::new(&"homelab.toml".into(), "", 0..0);
    let node = |path: String| Kubeconfig::Node { node: Located::new("here".to_owned(), place.clone()), path };
    is_there(bench.probe_by(node(path.clone()), identity()).await);
    let error = bench.probe_by(node(format!("{path}-missing")), identity()).await.unwrap_err();
    assert!(matches!(&error, ReachError::NotYet(why) if why.contains("there is no `")), "{error:?}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_trusted() {
    let authority = Authority::new();
    let port = Authority::new().serve(&["127.0.0.1"], 2100, answers).await;
    let words = Bench::new(&authority, port, "", "token: t").unreachable().await;
    assert!(words.contains("not from the CA of the kubeconfig") && words.contains("x509"), "{words}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_for_another_name_is_named() {
    let authority = Authority::new();
    let port = authority.serve(&["127.0.0.1"], 2021, answers).await;
    let words = Bench::new(&authority, port, "", "token: t").unreachable().await;
    assert!(words.contains("has expired"), "{words}");
    let port = authority.serve(&["api.lab"], 2100, answers).await;
    let words = Bench::new(&authority, port, "", "token: t").unreachable().await;
    assert!(words.contains("not for the name `127.0.0.1`") && words.contains("api.lab"), "{words}");
    let answer = Bench::new(&authority, port, ", tls-server-name: api.lab", "token: t").probe(identity()).await;
    assert!(matches!(answer, Ok(Answer::Api(ApiAnswer::Object(_)))), "{answer:?}");
}

#[tokio::test]
async fn an_expired_client_certificate_is_named_with_its_day() {
    let authority = Authority::new();
    let unauthorized: Answers =
        |_| json("401 Unauthorized", r#"{"kind":"Status","reason":"Unauthorized","message":"Unauthorized"}"#);
    let port = authority.serve(&["127.0.0.1"], 2100, unauthorized).await;
    let (pem, key) = authority.issue(&["user"], 2022);
    let user = format!(
        "client-certificate-data: {}, client-key-data: {}",
        STANDARD.encode(pem),
        STANDARD.encode(key.serialize_pem())
    );
    let bench = Bench::new(&authority, port, "", &user);
    let words = bench.unreachable().await;
    assert!(words.contains("the client certificate of the kubeconfig expired at 2022-01-01T00:00:00Z"), "{words}");
    let words = Bench::new(&authority, port, "", "token: geheim").unreachable().await;
    assert!(words.contains("does not take the credentials") && !words.contains("geheim"), "{words}");
}

#[tokio::test]
async fn a_server_that_is_away_a_name_that_is_unknown_and_a_port_without_tls_are_told_apart() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let words = Bench::new(&authority, port, "", "token: t").unreachable().await;
    assert!(words.contains("does not speak TLS"), "{words}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let words = Bench::new(&authority, free, "", "token: t").unreachable().await;
    assert!(words.contains("refused the connection"), "{words}");
}

#[tokio::test]
async fn a_list_whose_connection_ends_in_the_middle_is_lost() {
    let authority = Authority::new();
    let port = authority.serve(&["127.0.0.1"], 2100, answers).await;
    let answer = Bench::new(&authority, port, "", "token: t").probe(ApiAsk::All(ApiKind::new("v1", "Namespace"))).await;
    assert!(matches!(&answer, Ok(Answer::Lost(why)) if why.contains("broke off")), "{answer:?}");
}

#[tokio::test]
async fn a_credential_plugin_runs_and_its_failure_does_not_show_what_it_printed() {
    let authority = Authority::new();
    let port = authority.serve(&["127.0.0.1"], 2100, answers).await;
    let plugin = |command: &str| {
        format!(
            "exec: {{ apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', '{command}'], interactiveMode: Never }}"
        )
    };
    let credential = r#"echo "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}""#;
    let answer = Bench::new(&authority, port, "", &plugin(credential)).probe(identity()).await;
    assert!(matches!(answer, Ok(Answer::Api(ApiAnswer::Object(_)))), "{answer:?}");
    for command in ["echo geheim; echo no login >&2; exit 3", "echo geheim: ["] {
        let error = Bench::new(&authority, port, "", &plugin(command)).probe(identity()).await.unwrap_err().to_string();
        assert!(
            error.contains("credential plugin") == command.contains("exit") || error.contains("no credential"),
            "{error}"
        );
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[tokio::test]
async fn a_kubeconfig_that_lies_behind_itself_is_said_to_and_nobody_waits() {
    let secret = |cluster: &str| Kubeconfig::Secret {
        cluster: Located::new(cluster.to_owned(), Place::new(&"homelab.toml".into(), "", 0..0)),
        namespace: "ns".to_owned(),
        secret: "s".to_owned(),
        key: "value".to_owned(),
    };
    let lab = lab([("a", secret("b")), ("b", secret("a")), ("c", secret("b"))]);
    let asks = [Ask::Api(identity())];
    for name in ["a", "b", "c"] {
        let error = lab.probe(&Ground::Cluster(name.to_owned()), &asks).await.unwrap_err();
        assert!(error.to_string().contains("leads through itself"), "{error}");
    }
}
