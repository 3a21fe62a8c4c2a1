//! A port of this machine behind which a cluster's API answers, carried by a node's SSH connection.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;

use super::carrier::Carrier;

/// An open port on the loopback address.
pub struct Forward {
    listener: TcpListener,
    carrier: Arc<Carrier>,
    host: String,
    port: u16,
}

impl Forward {
    /// Opens the port (any free one for 0); `host` and `port` are the API as the node sees it.
    pub(super) async fn open(carrier: Carrier, host: &str, port: u16, local: u16) -> Result<Self, String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, local)).await;
        let listener = listener.map_err(|error| format!("port {local} of this machine can't be opened: {error}"))?;
        Ok(Self { listener, carrier: Arc::new(carrier), host: host.to_owned(), port })
    }

    /// The port on this machine.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().map_or(0, |address| address.port())
    }

    /// Carries connections until it is dropped. What goes wrong with one of them is told, and ends none of the others.
    pub async fn carry(&self, tell: impl Fn(String) + Clone + Send + 'static) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let Ok((mut here, _)) = self.listener.accept().await else { continue };
            while connections.try_join_next().is_some() {}
            let (carrier, host, port, tell) = (Arc::clone(&self.carrier), self.host.clone(), self.port, tell.clone());
            connections.spawn(async move {
                match carrier.open(&host, port).await {
                    // That one end closes is how a connection ends.
                    Ok(mut there) => drop(copy_bidirectional(&mut here, &mut there).await),
                    Err(error) => tell(error.to_string()),
                }
            });
        }
    }
}
