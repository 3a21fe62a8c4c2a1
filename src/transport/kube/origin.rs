//! Where a cluster's kubeconfig comes from. It is read into memory and stays there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{Kubeconfig as Content, KubeconfigError};
use serde_json::Value;
use zeroize::Zeroizing;

use super::kubeconfig::{Unfit, Whose, parse, unfit};
use super::patience::Patience;
use crate::lab::{ApiKind, Cluster, Kubeconfig, ObjectKey};
use crate::observe::FileAnswer;
use crate::transport::RealLab;
use crate::transport::outcome::ReachError;

/// A kubeconfig that was read.
pub(super) struct Origin {
    pub(super) content: Content,
    pub(super) context: Option<String>,
    /// Where it came from: `kubeconfig ~/.kube/config`.
    pub(super) words: String,
    pub(super) whose: Whose,
}

/// In what words the origin of a cluster's kubeconfig is named.
pub(super) fn words(cluster: &Cluster) -> String {
    match &cluster.kubeconfig {
        Kubeconfig::File { path, .. } => format!("kubeconfig `{path}`"),
        Kubeconfig::Command(argv) => {
            format!("kubeconfig that `{}` prints", argv.first().map_or("", String::as_str))
        }
        Kubeconfig::Node { node, path } => format!("kubeconfig `{path}` of node `{}`", node.value),
        Kubeconfig::Secret { cluster, namespace, secret, .. } => {
            format!("kubeconfig in the Secret `{namespace}/{secret}` of cluster `{}`", cluster.value)
        }
    }
}

/// Reads it.
pub(super) async fn read(cluster: &Cluster, lab: &RealLab) -> Result<Origin, ReachError> {
    let words = words(cluster);
    let says = |unfit: Unfit| unusable(&cluster.name, &words, &unfit);
    let (kubeconfig, context, whose) = match &cluster.kubeconfig {
        Kubeconfig::File { path, context } => (of_file(path, lab).await.map_err(says)?, context.clone(), Whose::Own),
        Kubeconfig::Command(argv) => {
            let printed = of_command(argv, lab).await.map_err(|why| says(Unfit { why, help: None }))?;
            (parse(&printed).map_err(says)?, None, Whose::Own)
        }
        Kubeconfig::Node { node, path } => {
            let bytes = of_node(&cluster.name, &node.value, path, lab).await?;
            (parse(&bytes).map_err(says)?, None, Whose::Foreign)
        }
        Kubeconfig::Secret { cluster: other, namespace, secret, key } => {
            let object = ObjectKey::new(ApiKind::new("v1", "Secret"), Some(namespace), secret);
            let bytes = of_secret(&cluster.name, &other.value, &object, key, lab).await?;
            (parse(&bytes).map_err(says)?, None, Whose::Foreign)
        }
    };
    Ok(Origin { content: kubeconfig, context, words, whose })
}

/// A kubeconfig that is there and of no use.
pub(super) fn unusable(cluster: &str, words: &str, unfit: &Unfit) -> ReachError {
    let text = format!("cluster `{cluster}`: the {words} can't be used: {}", unfit.why);
    ReachError::Unreachable(match unfit.help {
        Some(help) => format!("{text}\n    help: {help}"),
        None => text,
    })
}

async fn of_file(path: &str, lab: &RealLab) -> Result<Content, Unfit> {
    let path = lab.outside().path(path).map_err(|why| Unfit { why, help: None })?;
    // Paths in it are relative to its folder, and kube knows which fields are paths.
    let read = tokio::task::spawn_blocking(move || Content::read_from(path)).await;
    match read {
        Ok(Ok(content)) => Ok(content),
        Ok(Err(KubeconfigError::ReadConfig(error, _))) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Unfit { why: "there is no such file".to_owned(), help: Some("check `kubeconfig.file` of the cluster") })
        }
        Ok(Err(error)) => Err(unfit(&error)),
        Err(_) => Err(Unfit { why: "it could not be read".to_owned(), help: None }),
    }
}

async fn of_command(argv: &[String], lab: &RealLab) -> Result<Zeroizing<Vec<u8>>, String> {
    let (argv, outside) = (argv.to_vec(), lab.outside());
    let ran = tokio::task::spawn_blocking(move || outside.command(&argv)).await;
    ran.unwrap_or_else(|_| Err("it could not be run".to_owned()))
}

async fn of_node(cluster: &str, node: &str, path: &str, lab: &RealLab) -> Result<Zeroizing<Vec<u8>>, ReachError> {
    let prefix = format!("cluster `{cluster}` is reached through node `{node}`");
    let (file, bytes) = lab.read_file(node, path).await.map_err(|error| error.within(&prefix))?;
    match file {
        FileAnswer::Regular { .. } => Ok(bytes),
        FileAnswer::Absent => {
            Err(ReachError::NotYet(format!("cluster `{cluster}`: there is no `{path}` on node `{node}` yet")))
        }
        FileAnswer::Other(what) => {
            Err(ReachError::Unreachable(format!("cluster `{cluster}`: `{path}` on node `{node}` is a {what}")))
        }
        FileAnswer::Unreadable(why) => Err(ReachError::Denied(format!(
            "cluster `{cluster}`: `{path}` on node `{node}` can't be read: {why}\n    help: root alone may read it \
             mostly: let the login use sudo there, or name a `file` of your own"
        ))),
    }
}

async fn of_secret(
    cluster: &str,
    other: &str,
    object: &ObjectKey,
    key: &str,
    lab: &RealLab,
) -> Result<Zeroizing<Vec<u8>>, ReachError> {
    let prefix = format!("the kubeconfig of cluster `{cluster}` lies in cluster `{other}`");
    let link = lab.clusters().link(other, lab).await.map_err(|error| error.within(&prefix))?;
    let found = link.object(object, Patience::READING).await;
    let found = found.map_err(|fault| ReachError::Unreachable(link.words(&fault)).within(&prefix))?;
    let Some(secret) = found else {
        return Err(ReachError::NotYet(format!("{prefix}: there is no {object} yet")));
    };
    let value = secret.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
    let value = value.ok_or_else(|| {
        let keys = secret.get("data").and_then(Value::as_object);
        let keys: Vec<&str> = keys.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        ReachError::Unreachable(format!("{prefix}: {object} has no key `{key}` (its keys: {})", keys.join(", ")))
    })?;
    let decoded = STANDARD.decode(value);
    decoded.map(Zeroizing::new).map_err(|_| ReachError::Garbled(format!("{prefix}: {object} holds no base64")))
}
