//! A kubeconfig: the part of it that leads to one cluster, judged before anything is sent.

use jiff::Timestamp;
use kube::Config;
use kube::config::{AuthInfo, Cluster, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError};

use super::certificate;

/// What a kubeconfig says of one cluster.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) config: Config,
    /// The server's URL as the file has it.
    pub(super) server: String,
    /// The end of the client certificate's life, where there is one.
    pub(super) certificate_end: Option<Timestamp>,
}

/// Why a kubeconfig is of no use, and the remedy. Holds nothing of its secrets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) why: String,
    pub(super) help: Option<&'static str>,
}

impl Unfit {
    fn new(why: impl Into<String>, help: &'static str) -> Self {
        Self { why: why.into(), help: Some(help) }
    }
}

/// Whose kubeconfig it is. One that comes from another machine must be whole: paths in it mean nothing here, and
/// programs that it names are not run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The user's own, on this machine.
    Own,
    /// A node's, or one out of a Secret.
    Foreign,
}

/// Reads a kubeconfig.
pub(super) fn parse(text: &[u8]) -> Result<Kubeconfig, Unfit> {
    let text = std::str::from_utf8(text).map_err(|_| Unfit { why: "it is no text".to_owned(), help: None })?;
    if text.trim().is_empty() {
        return Err(Unfit { why: "it is empty".to_owned(), help: None });
    }
    Kubeconfig::from_yaml(text).map_err(|error| unfit(&error))
}

/// The cluster and the user of a context; those of the current context where none is named.
pub(super) async fn entry(kubeconfig: Kubeconfig, context: Option<&str>, whose: Whose) -> Result<Entry, Unfit> {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let Some(name) = context.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty()) else {
        let help = "name one: `kubeconfig = { file = \"…\", context = \"…\" }`";
        return Err(Unfit::new(format!("it has no current context (its contexts: {})", listed(&names)), help));
    };
    let Some(context) = kubeconfig.contexts.iter().find(|named| named.name == name) else {
        let why = format!("it has no context `{name}` (its contexts: {})", listed(&names));
        return Err(Unfit { why, help: None });
    };
    let (name, context) = (name.to_owned(), context.context.clone().unwrap_or_default());
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == context.cluster);
    let Some(cluster) = cluster.and_then(|named| named.cluster.clone()) else {
        return Err(Unfit {
            why: format!("it has no cluster `{}`, which its context `{name}` names", context.cluster),
            help: None,
        });
    };
    let user = kubeconfig.auth_infos.iter().find(|named| Some(&named.name) == context.user.as_ref());
    let user = user.and_then(|named| named.auth_info.clone()).unwrap_or_default();
    judge(&cluster, &user, whose)?;
    let options = KubeConfigOptions { context: Some(name), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unfit(&error))?;
    Ok(Entry { config, server: cluster.server.unwrap_or_default(), certificate_end: certificate::end(&user) })
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn judge(cluster: &Cluster, user: &AuthInfo, whose: Whose) -> Result<(), Unfit> {
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(Unfit::new(
            "it says `insecure-skip-tls-verify: true`, so anybody could answer in the cluster's place",
            "put the cluster's CA into it (`certificate-authority-data`) and take that line out",
        ));
    }
    let server = cluster.server.as_deref().unwrap_or_default();
    if !server.starts_with("https://") {
        return Err(Unfit::new(
            format!("its `server` is `{server}`; labctl speaks to a cluster over TLS alone"),
            "give the `https://` URL of the API server",
        ));
    }
    if cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
        return Err(Unfit::new(
            "it has a `proxy-url`, which labctl does not support",
            "take it out, and give the cluster a node as its `via`",
        ));
    }
    match whose {
        Whose::Own => Ok(()),
        Whose::Foreign => judge_foreign(cluster, user),
    }
}

fn judge_foreign(cluster: &Cluster, user: &AuthInfo) -> Result<(), Unfit> {
    let program = user.exec.as_ref().map(|_| "exec").or(user.auth_provider.as_ref().map(|_| "auth-provider"));
    if let Some(program) = program {
        return Err(Unfit::new(
            format!("it has an `{program}`, and labctl runs no program here that another machine names"),
            "give one with a client certificate or a token, or a `file` of your own",
        ));
    }
    let is_in_file = |path: &Option<String>, data: bool| path.is_some() && !data;
    let path = [
        (
            "certificate-authority",
            is_in_file(&cluster.certificate_authority, cluster.certificate_authority_data.is_some()),
        ),
        ("client-certificate", is_in_file(&user.client_certificate, user.client_certificate_data.is_some())),
        ("client-key", is_in_file(&user.client_key, user.client_key_data.is_some())),
        ("tokenFile", is_in_file(&user.token_file, user.token.is_some())),
    ];
    match path.into_iter().find(|(_, is_in_file)| *is_in_file) {
        Some((field, _)) => Err(Unfit::new(
            format!("its `{field}` is a path on another machine"),
            "take one that holds everything, as `kubectl config view --flatten --raw` prints it",
        )),
        None => Ok(()),
    }
}

/// Why a kubeconfig can't be used, without the lines that it quotes.
pub(super) fn unfit(error: &KubeconfigError) -> Unfit {
    let why = match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(location) => {
                format!("it is no kubeconfig: line {} is not as YAML or a kubeconfig has it", location.line())
            }
            None => "it is no kubeconfig".to_owned(),
        },
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::LoadCertificateAuthority(error) => format!("its CA: {}", data(error)),
        KubeconfigError::LoadClientCertificate(error) => format!("its client certificate: {}", data(error)),
        KubeconfigError::LoadClientKey(error) => format!("its client key: {}", data(error)),
        KubeconfigError::ParseCertificates(_) => "its CA is no PEM".to_owned(),
        other => other.to_string(),
    };
    Unfit { why, help: None }
}

fn data(error: &LoadDataError) -> String {
    match error {
        LoadDataError::DecodeBase64(_) => "it is no base64".to_owned(),
        LoadDataError::ReadFile(error, path) => format!("`{}`: {error}", path.display()),
        LoadDataError::NoBase64DataOrFile => "it is missing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Unfit, Whose, entry, parse};

    fn kubeconfig(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\n\
             clusters: [{{ name: c, cluster: {{ {cluster} }} }}]\n\
             users: [{{ name: u, user: {{ {user} }} }}]\n\
             contexts: [{{ name: lab, context: {{ cluster: c, user: u }} }}, {{ name: lost, context: {{ cluster: d, user: u }} }}]\n"
        )
    }

    async fn read(text: &str, context: Option<&str>, whose: Whose) -> Result<Entry, Unfit> {
        entry(parse(text.as_bytes())?, context, whose).await
    }

    const SERVER: &str = "server: 'https://10.0.0.1:6443'";

    #[tokio::test]
    async fn the_current_context_is_taken_unless_another_is_named() {
        let text = kubeconfig(&format!("{SERVER}, tls-server-name: kubernetes"), "token: t");
        let entry = read(&text, None, Whose::Own).await.unwrap();
        assert_eq!(
            (entry.server.as_str(), entry.config.tls_server_name.as_deref()),
            ("https://10.0.0.1:6443", Some("kubernetes"))
        );
        let why = |context| async move {
            let text = kubeconfig(SERVER, "token: t");
            read(&text, Some(context), Whose::Own).await.unwrap_err().why
        };
        assert_eq!(why("other").await, "it has no context `other` (its contexts: lab, lost)");
        assert_eq!(why("lost").await, "it has no cluster `d`, which its context `lost` names");
        let text = kubeconfig(SERVER, "token: t").replace("current-context: lab\n", "");
        let unfit = read(&text, None, Whose::Own).await.unwrap_err();
        assert!(unfit.why.contains("no current context") && unfit.help.unwrap().contains("context ="), "{unfit:?}");
    }

    #[tokio::test]
    async fn what_would_not_be_checked_or_not_be_encrypted_is_refused_with_the_remedy() {
        for (cluster, word, help) in [
            (
                "server: 'https://a', insecure-skip-tls-verify: true",
                "insecure-skip-tls-verify",
                "certificate-authority-data",
            ),
            ("server: 'http://a'", "TLS", "https://"),
            ("server: 'https://a', proxy-url: 'http://proxy'", "proxy-url", "via"),
        ] {
            let unfit = read(&kubeconfig(cluster, "token: t"), None, Whose::Own).await.unwrap_err();
            assert!(unfit.why.contains(word) && unfit.help.unwrap().contains(help), "{unfit:?}");
        }
    }

    #[tokio::test]
    async fn a_kubeconfig_of_another_machine_names_no_program_and_no_path_here() {
        for (cluster, user, word) in [
            (
                SERVER,
                "exec: { apiVersion: client.authentication.k8s.io/v1, command: rm, interactiveMode: Never }",
                "exec",
            ),
            (SERVER, "auth-provider: { name: gcp, config: { cmd-path: rm } }", "auth-provider"),
            (SERVER, "tokenFile: /etc/passwd", "tokenFile"),
            ("server: 'https://a', certificate-authority: /etc/ca.crt", "token: t", "certificate-authority"),
        ] {
            let unfit = read(&kubeconfig(cluster, user), None, Whose::Foreign).await.unwrap_err();
            assert!(unfit.why.contains(word), "{unfit:?}");
        }
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_broken_is_not_quoted() {
        for text in
            ["", "users: [ {name: u, user: {token: geheim", "users: geheim", "\tgeheim: {", "current-context: [geheim]"]
        {
            let unfit = read(text, None, Whose::Own).await.unwrap_err();
            assert!(!format!("{unfit:?}").contains("geheim"), "{unfit:?}");
        }
        let text = kubeconfig(&format!("{SERVER}, certificate-authority-data: 'geheim!'"), "token: t");
        let unfit = read(&text, None, Whose::Own).await.unwrap_err();
        assert_eq!(unfit.why, "its CA: it is no base64");
    }
}
