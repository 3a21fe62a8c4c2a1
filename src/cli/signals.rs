//! Ctrl-C and SIGTERM, made into interrupts: the first gently, the second at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::drive::Interrupt;

/// The interrupts of this process from now on. A dead terminal (SIGHUP) ends no apply.
pub(super) fn interrupts() -> mpsc::Receiver<Interrupt> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else { return };
        let mut next = Interrupt::Gently;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => continue,
            }
            if sender.send(next).await.is_err() {
                return;
            }
            next = Interrupt::AtOnce;
        }
    });
    receiver
}
