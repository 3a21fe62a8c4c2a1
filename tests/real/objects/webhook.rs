//! An admission webhook on loopback that does not answer at first.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::{Value, json};

use crate::support::sshd::free_port;

pub(super) struct Webhook {
    port: u16,
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
    asked: Arc<AtomicUsize>,
}

impl Webhook {
    /// Its port refuses connections.
    pub(super) fn prepare() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        Self { port: free_port(), certificate: cert, key: signing_key, asked: Arc::default() }
    }

    /// What has the API server ask it about every ConfigMap in a namespace.
    pub(super) fn configuration(&self, namespace: &str) -> String {
        let bundle = base64::engine::general_purpose::STANDARD.encode(self.certificate.pem());
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": namespace },
            "webhooks": [{
                "name": "late.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "clientConfig": { "url": format!("https://127.0.0.1:{}/", self.port), "caBundle": bundle },
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
                "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"] }],
            }],
        })
        .to_string()
    }

    /// From now on it allows everything. It ends with the test process.
    pub(super) fn answers(self) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("a certificate");
        let (config, asked) = (Arc::new(config), Arc::clone(&self.asked));
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("its port");
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let (config, asked) = (Arc::clone(&config), Arc::clone(&asked));
                thread::spawn(move || {
                    let mut tls = ServerConnection::new(config).expect("a connection");
                    let mut stream = Stream::new(&mut tls, &mut connection);
                    while let Some(review) = request(&mut stream) {
                        asked.fetch_add(1, Ordering::Relaxed);
                        let answer = json!({
                            "apiVersion": "admission.k8s.io/v1",
                            "kind": "AdmissionReview",
                            "response": { "uid": review["request"]["uid"], "allowed": true },
                        })
                        .to_string();
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                            answer.len()
                        );
                        if stream.write_all(format!("{head}{answer}").as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        self
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// The body of one request of HTTP/1.1 with a `Content-Length`; none at the end of the connection.
fn request(stream: &mut Stream<'_, ServerConnection, std::net::TcpStream>) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length: usize =
                text.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse().ok()?;
            if bytes.len() >= head + 4 + length {
                return serde_json::from_slice(&bytes[head + 4..head + 4 + length]).ok();
            }
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend(&buffer[..count]),
            _ => return None,
        }
    }
}
