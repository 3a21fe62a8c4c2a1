//! What labctl itself does and reads on its way to the lab: no resource tells of it, and a change of it is worth a look.

use std::collections::BTreeMap;

use super::shell_line;
use crate::lab::{Address, Connection, Kubeconfig, Lab, SecretSource, Ssh};

/// How each node and cluster is reached and where each secret comes from, in words, by address.
pub(super) fn ways(lab: &Lab) -> BTreeMap<Address, String> {
    let nodes = lab.nodes.iter().map(|(name, node)| {
        let way = match &node.connection {
            Connection::Local => "labctl runs on it".to_owned(),
            Connection::Ssh(ssh) => over_ssh(ssh),
        };
        (Address::new(["nodes", name]), way)
    });
    let clusters = lab.clusters.iter().map(|(name, cluster)| {
        let via = cluster.via.as_ref().map(|node| format!(", through {}", node.value)).unwrap_or_default();
        (Address::new(["clusters", name]), kubeconfig(&cluster.kubeconfig) + &via)
    });
    let secrets = lab.secrets.iter();
    let secrets = secrets.map(|(name, source)| (Address::new(["secrets", &name.0]), secret(source)));
    nodes.chain(clusters).chain(secrets).collect()
}

fn over_ssh(ssh: &Ssh) -> String {
    let user = ssh.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let port = ssh.port.map(|port| format!(":{port}")).unwrap_or_default();
    let mut way = format!("SSH to {user}{}{port}", ssh.host);
    let mut add = |what: &str, value: &Option<String>| {
        way += &value.as_ref().map(|value| format!(", {what} {value}")).unwrap_or_default();
    };
    add("by way of", &ssh.proxy_jump);
    add("with the key", &ssh.identity);
    add("known hosts in", &ssh.known_hosts);
    add("host key", &ssh.host_key);
    add("previously", &ssh.previous);
    if ssh.sudo {
        way += ", with sudo";
    }
    way
}

fn kubeconfig(kubeconfig: &Kubeconfig) -> String {
    match kubeconfig {
        Kubeconfig::File { path, context: None } => format!("the kubeconfig {path}"),
        Kubeconfig::File { path, context: Some(context) } => format!("the kubeconfig {path}, context {context}"),
        Kubeconfig::Command(argv) => format!("the kubeconfig that `{}` prints", shell_line(argv)),
        Kubeconfig::Node { node, path } => format!("the kubeconfig {path} of {}", node.value),
        Kubeconfig::Secret { cluster, namespace, secret, key } => {
            format!("the kubeconfig in {key} of the Secret {namespace}/{secret} of cluster {}", cluster.value)
        }
    }
}

fn secret(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(name) => format!("the environment variable {name}"),
        SecretSource::File(path) => format!("the file {path}"),
        SecretSource::Command(argv) => format!("what `{}` prints", shell_line(argv)),
        SecretSource::Prompt(_) => "a person's answer".to_owned(),
        SecretSource::Sops { file, document, pointer } => {
            format!("{} of document {document} of {file}", pointer.as_deref().unwrap_or("the whole"))
        }
    }
}
