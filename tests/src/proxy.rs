//! A TCP proxy in front of a server that counts round trips and breaks connections.

mod control;
mod fault;
mod relay;
mod traffic;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use fault::{Cut, Disturbance, Disturbances, Fault};
use traffic::{Link, Traffic};

/// A proxy on a free loopback port.
///
/// It runs on the tokio runtime it was started on, and closes its connections on drop. A
/// connection that the server cannot take, because it is stopped, is closed at once.
///
/// The system completes a client's connection a moment before the proxy takes it over, so only a
/// connection that has carried a reply is certain to be open for the proxy.
///
/// # Round trips
///
/// A round trip is counted when request bytes arrive on a connection on which the last bytes to
/// pass were reply bytes, or no bytes at all. So a pipeline of commands is one round trip, even
/// in several TCP segments, as long as the client has sent all of it before the first reply
/// reaches the proxy.
///
/// A client that writes a pipeline piece by piece, as most do, races with the server's first
/// reply. To count its pipelines exactly, hold the replies back with
/// [`delay_replies`](Self::delay_replies). Fifty milliseconds outlast even the stall of a large
/// burst that waits for a delayed acknowledgement of TCP. The count then says how often the
/// client really waited for the server. A client without `TCP_NODELAY` waits once more for each
/// pipeline, because the system keeps all but its first piece until that one is acknowledged.
///
/// Everything a client sends is counted, its handshake and its background pings too.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    traffic: Arc<Traffic>,
    acceptor: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of the server on the loopback port `server_port`.
    pub async fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("the loopback interface should have a free port");
        let address = listener.local_addr().expect("a listening socket has an address");
        let traffic = Arc::new(Traffic::new(server_port));
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&traffic)));
        Self { port: address.port(), traffic, acceptor }
    }

    /// The address for clients of a server without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The TCP port of the proxy.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of [round trips](Self#round-trips) since the last reset.
    pub fn round_trips(&self) -> u64 {
        self.traffic.round_trips.load(SeqCst)
    }

    /// The number of request bytes forwarded to the server since the last reset.
    pub fn bytes_up(&self) -> u64 {
        self.traffic.bytes_up.load(SeqCst)
    }

    /// The number of reply bytes forwarded to clients since the last reset.
    pub fn bytes_down(&self) -> u64 {
        self.traffic.bytes_down.load(SeqCst)
    }

    /// Sets the round trips and the byte counts back to zero. Meant for a quiet moment: a request
    /// in flight is not counted again.
    pub fn reset_counts(&self) {
        let traffic = &self.traffic;
        for count in [&traffic.round_trips, &traffic.bytes_up, &traffic.bytes_down] {
            count.store(0, SeqCst);
        }
    }

    /// The number of connections accepted since the start, refused ones not included.
    pub fn connections(&self) -> u64 {
        self.traffic.connections.load(SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.drop_all();
    }
}

async fn accept(listener: TcpListener, traffic: Arc<Traffic>) {
    // Accepting fails when the process is out of file descriptors, and the test fails then too.
    while let Ok((client, _)) = listener.accept().await {
        if traffic.refuses() {
            continue;
        }
        let link = Link::new(traffic.connections.fetch_add(1, SeqCst));
        let drops = traffic.drops.subscribe();
        let server_port = traffic.server_port.load(SeqCst);
        let traffic = Arc::clone(&traffic);
        tokio::spawn(async move {
            relay::relay(client, server_port, &traffic, link, drops).await;
        });
    }
}
