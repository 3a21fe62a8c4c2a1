//! Why a request has no answer that can be used, taken apart and put into words.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use jiff::Timestamp;
use kube::client::AuthError;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::connector::ConnectError;
use super::probe::is_about_object;
use super::whereabouts::Whereabouts;
use crate::observe::Refusal;

/// Why a request has no answer that can be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server says no.
    Refused {
        /// What it says.
        refusal: Refusal,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Nothing was sent: there is no connection, or none that may be trusted.
    Unreachable {
        /// In words, without a period.
        why: String,
        /// The remedy.
        help: Option<String>,
        /// Whether another try can't help.
        is_final: bool,
    },
    /// It broke off when it may have been at work.
    Lost {
        /// In words, without a period.
        why: String,
        /// Whether the limit ran out, and not the connection broke.
        is_late: bool,
    },
}

impl Fault {
    /// A connection that broke, or an answer that is not whole.
    pub(super) fn lost(why: impl Into<String>) -> Self {
        Self::Lost { why: why.into(), is_late: false }
    }

    /// A refusal of labctl's own, before anything is sent: the request can't be meant.
    pub(super) fn refused(reason: &str, message: impl Into<String>) -> Self {
        let refusal = Refusal { code: 400, reason: reason.to_owned(), message: message.into(), causes: Vec::new() };
        Self::Refused { refusal, retry_after: None }
    }

    /// Whether what was sent may have been carried out all the same: nobody knows.
    pub(super) fn is_open(&self) -> bool {
        match self {
            // The server, or a proxy before it, did not come to an end with it: etcd was slow, a leader changed.
            Self::Refused { refusal, .. } => matches!(refusal.code, 500 | 502 | 504) && !is_about_object(refusal),
            Self::Unreachable { .. } => false,
            Self::Lost { .. } => true,
        }
    }

    /// The status code, where the server answered.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.code),
            Self::Unreachable { .. } | Self::Lost { .. } => None,
        }
    }

    /// Whether the credentials or the certificates don't fit: a fresh kubeconfig may.
    pub(super) fn is_about_trust(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => refusal.code == 401,
            Self::Unreachable { is_final, .. } => *is_final,
            Self::Lost { .. } => false,
        }
    }

    /// Whether the user has not the right to ask this. Admission says no by the same code.
    pub(super) fn is_about_rights(&self) -> bool {
        self.code() == Some(403) && self.message().contains(" cannot ")
    }

    fn message(&self) -> &str {
        match self {
            Self::Refused { refusal, .. } => &refusal.message,
            Self::Unreachable { why, .. } | Self::Lost { why, .. } => why,
        }
    }

    /// The whole of it in words, with the remedy.
    pub(super) fn words(&self, at: &Whereabouts) -> String {
        match self {
            Self::Refused { refusal, .. } if refusal.code == 401 => {
                let (why, help) = not_let_in(at, Timestamp::now());
                at.words(&why, Some(&help))
            }
            Self::Refused { .. } if self.is_about_rights() => at.words(
                self.message(),
                Some("give that user the right by a Role or ClusterRole, or take a kubeconfig of one who has it"),
            ),
            Self::Refused { refusal, .. } => at.words(&format!("{} ({})", refusal.message, refusal.code), None),
            Self::Unreachable { why, help, .. } => at.words(why, help.as_deref()),
            Self::Lost { why, .. } => at.words(why, None),
        }
    }

    /// What became of a request that kube gave up.
    pub(super) fn of(error: &kube::Error, at: &Whereabouts) -> Self {
        let causes = causes(error);
        if let Some(error) = find::<ConnectError>(&causes) {
            return error.fault();
        }
        if let Some(error) = find::<TlsError>(&causes)
            && let Some((why, help)) = tls(error, at)
        {
            return Self::Unreachable { why, help, is_final: true };
        }
        if let Some(error) = find::<AuthError>(&causes) {
            return Self::Unreachable { why: auth(error), help: None, is_final: true };
        }
        let deepest = deepest(error);
        if find::<legacy::Error>(&causes).is_some_and(legacy::Error::is_connect) {
            return Self::Unreachable { why: format!("no connection: {deepest}"), help: None, is_final: false };
        }
        Self::lost(format!("the connection broke: {deepest}"))
    }
}

/// Why the server does not know who asks.
fn not_let_in(at: &Whereabouts, now: Timestamp) -> (String, String) {
    let fresh = "take a fresh kubeconfig of this cluster".to_owned();
    match at.certificate_end {
        Some(end) if end < now => (format!("the client certificate of the kubeconfig expired at {end}"), fresh),
        Some(_) => ("it does not take the client certificate of the kubeconfig".to_owned(), fresh),
        None => ("it does not take the credentials of the kubeconfig".to_owned(), fresh),
    }
}

/// An error and what is behind it, the outermost first.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error);
        // The source of an `io::Error` is that of the error it holds, which would be passed over.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    causes
}

/// What is behind everything, in its own words.
pub(super) fn deepest(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn find<'a, E: StdError + 'static>(causes: &[&'a (dyn StdError + 'static)]) -> Option<&'a E> {
    causes.iter().find_map(|error| error.downcast_ref::<E>())
}

/// A handshake that failed, and its remedy; nothing where the connection just broke.
fn tls(error: &TlsError, at: &Whereabouts) -> Option<(String, Option<String>)> {
    let (why, help) = match error {
        TlsError::InvalidCertificate(error) => certificate(error, at),
        TlsError::InvalidMessage(_) => (
            "what answers there does not speak TLS".to_owned(),
            "look whether the kubeconfig's `server` has the right port".to_owned(),
        ),
        TlsError::AlertReceived(AlertDescription::CertificateExpired) => not_let_in(at, Timestamp::now()),
        TlsError::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied),
        ) => {
            let (why, help) = not_let_in(at, Timestamp::now());
            (format!("{why} ({alert:?})"), help)
        }
        TlsError::PeerIncompatible(why) => return Some((format!("no TLS that both sides know: {why:?}"), None)),
        _ => return None,
    };
    Some((why, Some(help)))
}

/// What is wrong with the server's certificate.
fn certificate(error: &CertificateError, at: &Whereabouts) -> (String, String) {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired (x509)".to_owned(),
            "renew it on the server, or set the clock of this machine".to_owned(),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet (x509)".to_owned(),
            "set the clock of this machine or of the server".to_owned(),
        ),
        CertificateError::NotValidForName => (
            format!("the server's certificate is not for the name `{}` (x509)", at.server_name),
            "set `tls-server-name` in the kubeconfig to a name that it is for".to_owned(),
        ),
        CertificateError::NotValidForNameContext { presented, .. } => (
            format!(
                "the server's certificate is not for the name `{}` (x509), but for {}",
                at.server_name,
                if presented.is_empty() { "none".to_owned() } else { presented.join(", ") }
            ),
            "set `tls-server-name` in the kubeconfig to a name that it is for".to_owned(),
        ),
        _ if !at.has_authority => (
            format!("the server's certificate is from no authority that this machine trusts (x509: {error})"),
            "put the cluster's CA into the kubeconfig (`certificate-authority-data`)".to_owned(),
        ),
        _ => (
            format!("the server's certificate is not from the CA of the kubeconfig (x509: {error})"),
            "if the cluster was rebuilt, take a fresh kubeconfig of it; if not, something else answers there"
                .to_owned(),
        ),
    }
}

/// Why there are no credentials, without what a plugin printed.
pub(super) fn auth(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("the kubeconfig's credential plugin could not be run: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let what = format!("the kubeconfig's credential plugin failed ({})", out.status);
            if last.is_empty() { what } else { format!("{what}: {}", last.trim()) }
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
            "what the kubeconfig's credential plugin printed is no credential".to_owned()
        }
        AuthError::MissingCommand => "the kubeconfig's credential plugin has no `command`".to_owned(),
        AuthError::ReadTokenFile(error, path) => format!("the token file `{}`: {error}", path.display()),
        AuthError::AuthExec(why) if why.contains("provider") => why.clone(),
        _ => "the credentials of the kubeconfig can't be used".to_owned(),
    }
}
