//! Relays the bytes of one connection in both directions.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::fault::Verdict;
use super::traffic::{Direction, Held, Link, Traffic};

const CHUNK: usize = 64 * 1024;

/// How long the server may take to read what it was sent before its connection closes.
const FAREWELL: Duration = Duration::from_secs(2);

/// Relays between a client and the server until one side closes, a fault strikes, or the test
/// drops the connection.
pub(super) async fn relay(
    mut client: TcpStream,
    server_port: u16,
    traffic: &Arc<Traffic>,
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
    // having seen the reply belong to the current round trip.
    let late = tokio::select! {
        biased;
        _ = drops.changed() => None,
        late = carry_requests(client_in, server_out, server_port, traffic, &link) => late,
        () = carry_replies(server_in, client_out, traffic, &link) => None,
    };
    drop(client);
    if let Some(mut late) = late {
        late.held.wait(late.time).await;
        if server.write_all(&late.chunk).await.is_ok() {
            part_from_server(server).await;
        }
        return;
    }
    part_from_server(server).await;
}

/// A request that is delivered when its client's connection is closed already.
struct Late {
    chunk: Vec<u8>,
    time: Duration,
    held: Held,
}

async fn carry_requests(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    server_port: u16,
    traffic: &Arc<Traffic>,
    link: &Link,
) -> Option<Late> {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = client.read(&mut buffer).await {
        traffic.cross(Direction::Request).await;
        traffic.wait_while_paused().await;
        let chunk = &buffer[..length];
        let verdict = traffic.on_request(link, chunk);
        match verdict {
            Verdict::Delay(time) => sleep(time).await,
            Verdict::Repeat(time) => {
                tokio::spawn(repeat(traffic.hold(), server_port, chunk.to_vec(), time));
            }
            Verdict::Late(time) => {
                traffic.closed_by_fault();
                return Some(Late { chunk: chunk.to_vec(), time, held: traffic.hold() });
            }
            Verdict::Forward | Verdict::CutAfter(_) => {}
        }
        let passed = &chunk[..verdict.forwarded(length)];
        let is_broken = server.write_all(passed).await.is_err();
        if matches!(verdict, Verdict::CutAfter(_)) {
            traffic.closed_by_fault();
            return None;
        }
        if is_broken {
            return None;
        }
    }
    None
}

/// Delivers a request again, on a connection of its own.
async fn repeat(mut held: Held, server_port: u16, chunk: Vec<u8>, time: Duration) {
    held.wait(time).await;
    if let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)).await
        && server.write_all(&chunk).await.is_ok()
    {
        part_from_server(server).await;
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
        traffic.cross(Direction::Reply).await;
        traffic.wait_while_paused().await;
        let chunk = &buffer[..length];
        let verdict = traffic.on_reply(link, chunk);
        if let Verdict::Delay(time) = verdict {
            sleep(time).await;
        }
        let passed = &chunk[..verdict.forwarded(length)];
        let is_broken = client.write_all(passed).await.is_err();
        if matches!(verdict, Verdict::CutAfter(_)) {
            traffic.closed_by_fault();
            return;
        }
        if is_broken {
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
    // A frozen server never closes its side.
    let _ = timeout(FAREWELL, farewell).await;
}
