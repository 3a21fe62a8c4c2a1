//! Files from elsewhere: fetched once, checked against the digest that they are pinned by, kept in the user's cache.
//!
//! What has the digest is used, wherever it came from; what has another is never looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::{LOCATION, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::config::{self, Sources, sha256};
use crate::services::Pin;

/// No manifest is larger.
const LARGEST: usize = 32 << 20;
/// For one file, with all redirections.
const TIME: Duration = Duration::from_mins(2);
/// For one connection.
const CONNECT: Duration = Duration::from_secs(10);
/// As many as browsers' tools follow by default, and more than a file needs.
const REDIRECTIONS: usize = 5;

/// Why a pinned file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It did not come.
    #[error("`{url}` can't be fetched: {why}; or fetch it by hand, and name it by `file` beside homelab.toml")]
    Failed {
        /// Where from.
        url: String,
        /// In one sentence.
        why: String,
    },
    /// Another file came.
    #[error(
        "`{url}` is not the file that is pinned: its SHA-256 is {found}, and {pinned} is said. It was changed where it \
         lies, or the digest is that of another version: look at it before you write the new digest"
    )]
    Digest {
        /// Where from.
        url: String,
        /// The digest of what came.
        found: String,
        /// The digest that the file says.
        pinned: String,
    },
}

/// The folder in which fetched files are kept, each named by its digest.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// That of the user: `$XDG_CACHE_HOME/labctl`, else `~/.cache/labctl` (XDG Base Directory Specification).
    pub fn of_user() -> Self {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
        Self { folder: folder.map(|folder| folder.join("labctl")) }
    }

    /// None: nothing was ever fetched.
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// One in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// Gives the sources the pinned files that are here; returns those that are not.
    pub fn fill(&self, sources: &mut Sources) -> Vec<Pin> {
        let mut missing: Vec<Pin> = Vec::new();
        for pin in config::pins(sources) {
            if sources.pinned(&pin.sha256).is_some() || missing.iter().any(|other| other.sha256 == pin.sha256) {
                continue;
            }
            match self
                .path(&pin.sha256)
                .and_then(|path| fs::read(path).ok())
                .filter(|bytes| sha256(bytes) == pin.sha256)
            {
                Some(bytes) => sources.insert_pinned(pin.sha256, bytes),
                None => missing.push(pin),
            }
        }
        missing
    }

    /// Gives the sources all pinned files: those that are not here are fetched. `say` is told of each.
    pub async fn fetch(&self, sources: &mut Sources, say: impl Fn(&str)) -> Result<(), DownloadError> {
        for pin in self.fill(sources) {
            if !is_digest(&pin.sha256) {
                continue;
            }
            say(&format!("Fetching {}", pin.url.value));
            let bytes =
                get(&pin.url.value).await.map_err(|why| DownloadError::Failed { url: pin.url.value.clone(), why })?;
            let found = sha256(&bytes);
            if found != pin.sha256 {
                return Err(DownloadError::Digest { url: pin.url.value, found, pinned: pin.sha256 });
            }
            self.keep(&pin.sha256, &bytes);
            sources.insert_pinned(pin.sha256, bytes);
        }
        Ok(())
    }

    fn path(&self, sha256: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join("pinned").join(sha256)).filter(|_| is_digest(sha256))
    }

    /// A file that can't be kept is fetched again the next time: that stops nothing.
    fn keep(&self, sha256: &str, bytes: &[u8]) {
        let Some(path) = self.path(sha256) else { return };
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let folder = path.parent().unwrap_or(Path::new("."));
        let kept = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&beside, bytes))
            .and_then(|()| fs::rename(&beside, &path));
        if let Err(error) = kept {
            tracing::warn!("`{}` can't be kept: {error}", path.display());
        }
    }
}

/// A pin that is no digest is told by the service that has it.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

async fn get(url: &str) -> Result<Vec<u8>, String> {
    let time = tokio::time::timeout(TIME, follow(url)).await;
    time.unwrap_or_else(|_| Err(format!("it took more than {} seconds", TIME.as_secs())))
}

async fn follow(url: &str) -> Result<Vec<u8>, String> {
    let mut uri: Uri = url.parse().map_err(|error| format!("it is no address ({error})"))?;
    let client = client()?;
    for _ in 0..=REDIRECTIONS {
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(format!("`{uri}` is neither `https://` nor `http://`"));
        }
        let agent = concat!("labctl/", env!("CARGO_PKG_VERSION"));
        let request = Request::get(uri.clone()).header(USER_AGENT, agent).body(Empty::new());
        let request = request.map_err(|error| error.to_string())?;
        let response = client.request(request).await.map_err(|error| chain(&error))?;
        if response.status().is_redirection() {
            uri = target(&uri, &response)?;
            continue;
        }
        if !response.status().is_success() {
            return Err(format!("`{uri}` answers {}", response.status()));
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                format!("it is larger than {} MiB", LARGEST >> 20)
            } else {
                chain(error.as_ref())
            }
        })?;
        return Ok(body.to_bytes().into());
    }
    Err(format!("it leads on more than {REDIRECTIONS} times"))
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<&'static [u8]>>;

fn client() -> Result<HttpClient, String> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT));
    let tls = HttpsConnectorBuilder::new().with_native_roots();
    let tls = tls.map_err(|error| format!("this machine has no certificates to check servers by: {error}"))?;
    let connector = tls.https_or_http().enable_http1().wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// Where a redirection leads; from `https` never to `http`.
fn target<B>(from: &Uri, response: &Response<B>) -> Result<Uri, String> {
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| format!("`{from}` answers {} and says not where", response.status()))?;
    let whole = match (location.starts_with('/'), from.scheme_str(), from.authority()) {
        (true, Some(scheme), Some(authority)) if !location.starts_with("//") => {
            format!("{scheme}://{authority}{location}")
        }
        (true, Some(scheme), _) => format!("{scheme}:{location}"),
        _ => location.to_owned(),
    };
    let uri: Uri = whole.parse().map_err(|_| format!("`{from}` leads to `{location}`, which is no address"))?;
    if from.scheme_str() == Some("https") && uri.scheme_str() != Some("https") {
        return Err(format!("`{from}` leads to `{uri}`, which nobody vouches for"));
    }
    Ok(uri)
}

/// An error with its causes: the first alone says little.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::{Cache, DownloadError};
    use crate::config::{Sources, sha256};

    /// A server on this machine that answers each path as `answer` says, until the test ends.
    async fn server(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    let text = String::from_utf8_lossy(&request[..length]).into_owned();
                    let path = text.split(' ').nth(1).unwrap_or("/").to_owned();
                    let _ = stream.write_all(&answer(&path)).await;
                });
            }
        });
        format!("http://{address}")
    }

    fn ok(body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    fn moved(to: &str) -> Vec<u8> {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
    }

    fn sources(url: &str, sha256: &str) -> Sources {
        let text = format!(
            "[lab]\nname = 'x'\n[services.x]\nkind = 'manifests'\ncluster = 'c'\nurls = [{{ url = '{url}', sha256 = '{sha256}' }}]\n"
        );
        Sources::memory([("homelab.toml", text.as_str())])
    }

    const BODY: &[u8] = b"apiVersion: v1\n";

    #[tokio::test]
    async fn a_file_is_fetched_once_and_kept() {
        let base = server(|path| if path == "/a" { moved("/b") } else { ok(BODY) }).await;
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let url = format!("{base}/a");
        let mut first = sources(&url, &sha256(BODY));
        assert_eq!(cache.fill(&mut first).len(), 1);
        cache.fetch(&mut first, |_| {}).await.unwrap();
        assert_eq!(first.pinned(&sha256(BODY)), Some(BODY));
        // The second time nothing is asked: nobody listens at this address.
        let mut second = sources("http://127.0.0.1:1/", &sha256(BODY));
        cache.fetch(&mut second, |_| panic!("fetched again")).await.unwrap();
        assert_eq!(second.pinned(&sha256(BODY)), Some(BODY));
    }

    #[tokio::test]
    async fn another_file_than_the_pinned_one_is_never_used_nor_kept() {
        let base = server(|_| ok(b"another")).await;
        let folder = tempfile::tempdir().unwrap();
        let mut sources = sources(&base, &sha256(BODY));
        let error = Cache::at(folder.path()).fetch(&mut sources, |_| {}).await.unwrap_err();
        assert!(matches!(&error, DownloadError::Digest { found, .. } if *found == sha256(b"another")), "{error}");
        assert_eq!(sources.pinned(&sha256(BODY)), None);
        assert!(!folder.path().join("pinned").exists());
    }

    #[tokio::test]
    async fn a_kept_file_that_was_changed_is_fetched_again() {
        let base = server(|_| ok(BODY)).await;
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("pinned").join(sha256(BODY));
        std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
        std::fs::write(&kept, "changed").unwrap();
        let mut sources = sources(&base, &sha256(BODY));
        Cache::at(folder.path()).fetch(&mut sources, |_| {}).await.unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), BODY);
    }

    #[tokio::test]
    async fn what_does_not_come_is_told_with_its_reason() {
        let endless = |_: &str| {
            let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_vec();
            answer.resize(super::LARGEST + 4096, b'x');
            answer
        };
        let missing = |_: &str| b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
        let cut = |_: &str| b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf".to_vec();
        let cases = [
            (server(|_| moved("/again")).await, "leads on more than 5 times"),
            (server(|_| moved("ftp://127.0.0.1/x")).await, "neither"),
            (server(missing).await, "404"),
            (server(endless).await, "larger than 32 MiB"),
            (server(cut).await, "end of file before message length reached"),
            ("http://127.0.0.1:1/".to_owned(), "Connection refused"),
        ];
        for (url, words) in cases {
            let folder = tempfile::tempdir().unwrap();
            let error = Cache::at(folder.path()).fetch(&mut sources(&url, &sha256(BODY)), |_| {}).await.unwrap_err();
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }
}
