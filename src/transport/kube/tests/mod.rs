//! Questions and calls against a server that a test plays, and connections to a real TLS server on loopback.

mod act;
mod fake;
mod lease;
mod probe;
mod tls;
mod wait;
