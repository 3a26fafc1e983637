//! Carrying the bytes of one connection in both directions.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::fault::Verdict;
use super::traffic::{Link, Traffic};

const CHUNK: usize = 64 * 1024;

/// How long the server may take to read what it was sent before its connection closes.
const FAREWELL: Duration = Duration::from_secs(2);

/// Relays between a client and the server until one side closes, a fault strikes, or the test
/// drops the connection.
pub(super) async fn relay(
    mut client: TcpStream,
    server_port: u16,
    traffic: &Traffic,
    link: Link,
    mut drops: watch::Receiver<u64>,
) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)).await else {
        return;
    };
    // Without this the system may join or delay small segments, which hides what the client does.
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let (client_in, client_out) = client.split();
    let (server_in, server_out) = server.split();
    // Requests go before replies when both have arrived: bytes that the client sent without
    // having seen the reply belong to the round trip that is under way.
    tokio::select! {
        biased;
        _ = drops.changed() => {}
        () = carry_requests(client_in, server_out, traffic, &link) => {}
        () = carry_replies(server_in, client_out, traffic, &link) => {}
    }
    drop(client);
    part_from_server(server).await;
}

async fn carry_requests(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    traffic: &Traffic,
    link: &Link,
) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = client.read(&mut buffer).await {
        traffic.wait_while_paused().await;
        let chunk = &buffer[..length];
        let verdict = traffic.on_request(link, chunk);
        let passed = &chunk[..verdict.forwarded(length)];
        if server.write_all(passed).await.is_err() || verdict != Verdict::Forward {
            return;
        }
    }
}

async fn carry_replies(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    traffic: &Traffic,
    link: &Link,
) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = server.read(&mut buffer).await {
        traffic.delay_reply(link).await;
        traffic.wait_while_paused().await;
        let chunk = &buffer[..length];
        let verdict = traffic.on_reply(link, chunk);
        let passed = &chunk[..verdict.forwarded(length)];
        if client.write_all(passed).await.is_err() || verdict != Verdict::Forward {
            return;
        }
    }
}

/// Closes the server's side without taking back any request byte that was forwarded.
///
/// Closing a socket with unread replies resets the connection, and a server that meets the reset
/// while it writes forgets the requests it has not read yet. So the replies are read to the end.
async fn part_from_server(mut server: TcpStream) {
    let farewell = async {
        let mut buffer = vec![0; CHUNK];
        if server.shutdown().await.is_ok() {
            while let Ok(1..) = server.read(&mut buffer).await {}
        }
    };
    // A frozen server never says goodbye.
    let _ = timeout(FAREWELL, farewell).await;
}
