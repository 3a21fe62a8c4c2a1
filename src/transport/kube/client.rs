//! kube's client on labctl's own connections.

use std::sync::Arc;

use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

use super::connector::{Connector, Way};
use super::fault;
use super::kubeconfig::unfit;

/// A client for that API, over those connections. kube's own retries are left out: they are made for controllers, and
/// labctl has its own. A credential plugin runs here, so it may take its time and ask on the terminal.
pub(super) async fn client(config: Config, way: Arc<Way>) -> Result<Client, String> {
    let made = tokio::task::spawn_blocking(move || made(&config, way)).await;
    match made {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(words(&error)),
        Err(_) => Err("its client could not be made".to_owned()),
    }
}

fn made(config: &Config, way: Arc<Way>) -> kube::Result<Client> {
    let connector = config.rustls_https_connector_with_connector(Connector(way))?;
    let client: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(Client::new(service, config.default_namespace.clone()))
}

fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(error) => fault::auth(error),
        kube::Error::InferKubeconfig(error) => unfit(error).why,
        kube::Error::RustlsTls(error) => format!("its certificates can't be used: {error}"),
        _ => "no client can be made of it".to_owned(),
    }
}
