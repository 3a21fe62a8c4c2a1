//! Values of secrets, and blobs, for transport to fill contents with. Each secret is had once and wiped at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use zeroize::Zeroizing;

use super::{AtTerminal, bounded, sops};
use crate::config::Sources;
use crate::lab::{Lab, SecretName, SecretSource};
use crate::report::redaction;
use crate::transport::ssh::Prompt as _;
use crate::transport::{Outside, Source};

/// The lab's secrets and the files beside it.
pub struct Values {
    secrets: BTreeMap<SecretName, SecretSource>,
    sources: Arc<Sources>,
    had: Mutex<Had>,
}

/// What was had already.
#[derive(Default)]
struct Had {
    values: BTreeMap<SecretName, Zeroizing<Vec<u8>>>,
    /// Files that SOPS has decrypted: one run for all values of one.
    decrypted: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl Values {
    /// Nothing is read before it is asked for.
    pub fn new(lab: &Lab, sources: Arc<Sources>) -> Self {
        Self { secrets: lab.secrets.clone(), sources, had: Mutex::default() }
    }
}

impl Source for Values {
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut had = self.had.lock().map_err(|_| "another thread failed while it read a secret".to_owned())?;
        if let Some(value) = had.values.get(name) {
            return Ok(value.clone());
        }
        let source = self.secrets.get(name).ok_or_else(|| format!("there is no `[secrets.{name}]`"))?;
        let value = match source {
            SecretSource::Sops { file, document, pointer } => {
                had.decrypted(file, &self.sources).and_then(|text| sops::value(text, *document, pointer.as_deref()))
            }
            other => read(other),
        };
        let value = value.map_err(|why| format!("the secret `{name}` can't be had: {why}"))?;
        if value.is_empty() {
            return Err(format!("the secret `{name}` is empty"));
        }
        redaction::learn(&value);
        had.values.insert(name.clone(), value.clone());
        Ok(value)
    }

    fn blob(&self, path: &str) -> Result<Vec<u8>, String> {
        self.sources.bytes(path).map(<[u8]>::to_vec).ok_or_else(|| format!("the file `{path}` can't be read any more"))
    }
}

impl Outside for Values {
    fn path(&self, text: &str) -> Result<PathBuf, String> {
        let Some(below) = text.strip_prefix('~') else { return Ok(text.into()) };
        if !below.is_empty() && !below.starts_with('/') {
            return Err(format!("`{text}`: only your own home can be written as `~`"));
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let home = home.ok_or_else(|| format!("`{text}`: the environment variable `HOME` is not set"))?;
        Ok(PathBuf::from(home).join(below.trim_start_matches('/')))
    }

    fn command(&self, argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
        command(argv)
    }
}

impl Had {
    fn decrypted(&mut self, file: &str, sources: &Sources) -> Result<&[u8], String> {
        if !self.decrypted.contains_key(file) {
            let folder = sources.folder().ok_or("the files of this lab don't lie on this disk")?;
            let text = sops::decrypt(&folder.join(file))?;
            self.decrypted.insert(file.to_owned(), text);
        }
        Ok(self.decrypted.get(file).map(|text| text.as_slice()).unwrap_or_default())
    }
}

fn read(source: &SecretSource) -> Result<Zeroizing<Vec<u8>>, String> {
    match source {
        SecretSource::Env(name) => std::env::var_os(name)
            .map(|value| Zeroizing::new(value.into_encoded_bytes()))
            .ok_or_else(|| format!("the environment variable `{name}` is not set")),
        SecretSource::File(path) => bounded::read(Path::new(path), bounded::TEXT)
            .map(|bytes| without_newline(Zeroizing::new(bytes)))
            .map_err(|error| format!("`{path}`: {error}")),
        SecretSource::Command(argv) => command(argv),
        SecretSource::Prompt(question) => prompt(question),
        SecretSource::Sops { file, .. } => Err(format!("`{file}` is not decrypted")),
    }
}

/// What a person answers on the terminal, without an echo.
fn prompt(question: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let nobody = || "there is nobody to ask: run labctl on a terminal".to_owned();
    let answer = AtTerminal::detect().password(&format!("{}: ", question.trim_end_matches([':', ' '])));
    let answer = answer.ok_or_else(nobody)?;
    Ok(Zeroizing::new(answer.as_bytes().to_vec()))
}

/// What a command prints. It may ask on the terminal; what it says on stderr is the user's to see.
fn command(argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
    let [program, arguments @ ..] = argv else { return Err("its command is empty".to_owned()) };
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`{program}` could not be run: {error}"))?;
    let stdout = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(format!("`{program}` failed ({})", output.status));
    }
    Ok(without_newline(stdout))
}

/// Editors and `echo` end a file with a newline that nobody means.
pub(super) fn without_newline(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{Values, read};
    use crate::config::Sources;
    use crate::lab::{SecretSource, load};
    use crate::transport::Outside as _;

    fn values() -> Values {
        let sources = Sources::memory([("homelab.toml", "[lab]\nname = 'home'\n")]);
        Values::new(&load(&sources).lab.unwrap(), Arc::new(sources))
    }

    #[test]
    fn a_tilde_is_the_own_home_and_nobody_elses() {
        let values = values();
        assert_eq!(values.path("kube/config"), Ok(PathBuf::from("kube/config")));
        assert_eq!(values.path("/etc/~"), Ok(PathBuf::from("/etc/~")));
        let home = values.path("~/.kube/config");
        assert!(
            home.as_ref().is_ok_and(|path| path.ends_with(".kube/config") && path != Path::new("~/.kube/config")),
            "{home:?}"
        );
        assert!(values.path("~jax/.kube/config").unwrap_err().contains("your own home"));
    }

    #[test]
    fn a_file_that_never_ends_is_no_secret() {
        let error = read(&SecretSource::File("/dev/zero".to_owned())).unwrap_err();
        assert!(error.starts_with("`/dev/zero`: it is larger than"), "{error}");
    }

    #[test]
    fn what_a_program_prints_is_had_only_where_it_ends_well() {
        let run = |script: &str| values().command(&["sh", "-c", script].map(str::to_owned));
        assert_eq!(run("echo a; echo b").map(|bytes| bytes.to_vec()), Ok(b"a\nb".to_vec()));
        let error = run("echo half; exit 3").unwrap_err();
        assert!(error.contains("`sh` failed") && !error.contains("half"), "{error}");
    }
}
