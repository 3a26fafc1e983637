//! Connections: none is held for ever by a slow client, and all end in good order.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// The most bytes of a request's line and headers.
const MAX_HEAD: usize = 64 * 1024;

/// How long to wait when no connection can be accepted, such as when all descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long things may take.
pub(crate) struct Times {
    /// The line and the headers of a request, and the pause before the next one.
    pub(crate) head: Duration,
    /// Requests that have begun, once the service is to end.
    pub(crate) grace: Duration,
}

/// Serves until `stop` returns, and then until the requests that have begun are answered or their
/// time is up.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    times: Times,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(times.head).max_buf_size(MAX_HEAD);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("error: cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Without it, the end of a small answer may wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(routes.clone());
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        // What a client does wrong is its own concern.
        tokio::spawn(async { connection.await.ok() });
    }
    drop(listener);
    // A client that does not end its request does not hold up the end of the service.
    let _ = timeout(times.grace, connections.shutdown()).await;
}
