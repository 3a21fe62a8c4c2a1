//! A kubeconfig for other programs: one cluster, one user, one context, all called as the file calls the cluster.

use kube::config::{Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};

use super::kubeconfig::Unfit;

/// A kubeconfig for other programs. It holds the user's credentials.
pub struct Handed {
    config: Kubeconfig,
    /// The server as the cluster's own kubeconfig has it: host and port.
    server: (String, u16),
}

impl Handed {
    /// The part of a kubeconfig that its context leads to, under another name.
    pub(super) fn new(kubeconfig: Kubeconfig, context: Option<&str>, name: &str) -> Result<Self, Unfit> {
        let unfit = |why: String| Unfit { why, help: None };
        let wanted = context.or(kubeconfig.current_context.as_deref()).unwrap_or_default().to_owned();
        let named = kubeconfig.contexts.into_iter().find(|named| named.name == wanted);
        let context =
            named.and_then(|named| named.context).ok_or_else(|| unfit(format!("it has no context `{wanted}`")))?;
        let cluster = kubeconfig.clusters.into_iter().find(|named| named.name == context.cluster);
        let cluster = cluster.and_then(|named| named.cluster);
        let cluster = cluster.ok_or_else(|| unfit(format!("it has no cluster `{}`", context.cluster)))?;
        let user = kubeconfig.auth_infos.into_iter().find(|named| Some(&named.name) == context.user.as_ref());
        let server = cluster.server.as_deref().and_then(address);
        let server = server.ok_or_else(|| unfit("its `server` is no `https://` URL".to_owned()))?;
        let context = Context {
            cluster: name.to_owned(),
            user: Some(name.to_owned()),
            namespace: context.namespace,
            extensions: None,
            ..Context::default()
        };
        let config = Kubeconfig {
            current_context: Some(name.to_owned()),
            clusters: vec![NamedCluster { name: name.to_owned(), cluster: Some(cluster), ..NamedCluster::default() }],
            auth_infos: vec![NamedAuthInfo {
                name: name.to_owned(),
                auth_info: user.and_then(|named| named.auth_info),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext { name: name.to_owned(), context: Some(context), ..NamedContext::default() }],
            api_version: Some("v1".to_owned()),
            kind: Some("Config".to_owned()),
            ..Kubeconfig::default()
        };
        Ok(Self { config, server })
    }

    /// Host and port of the server, as the cluster's own kubeconfig has them.
    pub fn server(&self) -> (&str, u16) {
        (&self.server.0, self.server.1)
    }

    /// Whether its server is the machine itself that the kubeconfig lies on.
    pub fn is_loopback(&self) -> bool {
        let host = self.server.0.as_str();
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Lets it lead to another place, where the same server answers; its certificate is held against the name that it
    /// had.
    pub fn lead_to(&mut self, host: &str, port: u16) {
        let own = self.server.0.clone();
        for cluster in self.config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            cluster.server = Some(format!("https://{host}:{port}"));
            cluster.tls_server_name.get_or_insert_with(|| own.clone());
        }
    }

    /// As a document. It holds credentials.
    pub fn document(&self) -> serde_json::Value {
        // Strings, lists and maps with string keys always serialize.
        serde_json::to_value(&self.config).unwrap_or_default()
    }
}

fn address(url: &str) -> Option<(String, u16)> {
    let uri: http::Uri = url.parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    (uri.scheme_str() == Some("https")).then(|| (host, uri.port_u16().unwrap_or(443)))
}
