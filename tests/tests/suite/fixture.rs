//! The server, the store and the collections that the tests use.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use metastore::{Store, StoreOptions};
pub(crate) use metastore_tests::collections::{
    Counter, MyRepo, Order, OrderState, Seat, Session, Summary, Text, order, seat, session, text,
};
use metastore_tests::{Proxy, Server};

/// The time limit of a condition that normally holds at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A server of its own and the collections on it.
pub(crate) async fn start() -> (Server, MyRepo) {
    start_with(Store::options()).await
}

pub(crate) async fn start_with(options: StoreOptions) -> (Server, MyRepo) {
    let server = Server::start().await;
    let store = options.connect(server.url()).await.expect("connects to its own server");
    (server, MyRepo::with_store(&store))
}

/// A server, a proxy before it, and the collections behind the proxy.
pub(crate) async fn start_proxied(options: StoreOptions) -> (Server, Proxy, MyRepo) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let store = options.connect(proxy.url()).await.expect("connects through the proxy");
    (server, proxy, MyRepo::with_store(&store))
}

/// Captured logs.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records what this thread logs, until the guard is dropped.
    pub(crate) fn record(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber =
            tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
