//! The proxy halves requests, delays them, and delivers them twice or late.

use std::time::{Duration, Instant};

use metastore_tests::proxy::{Disturbance, Disturbances};
use metastore_tests::resp::encode;
use metastore_tests::{Connection, Fault, Proxy, Server};

const LONG: Duration = Duration::from_secs(600);

async fn set_up() -> (Server, Proxy, Connection) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let client = Connection::open(proxy.port()).await;
    (server, proxy, client.expect("the proxy listens"))
}

#[tokio::test]
async fn a_request_that_is_halved_is_not_executed() {
    let (server, proxy, mut client) = set_up().await;
    proxy.strike_when(b"INCR", Fault::Halve);
    client.send_bytes(&encode(&["INCR", "n"])).await.expect("the proxy reads");
    assert!(client.read_to_close().await.is_empty());
    assert!(proxy.fired());
    assert_eq!(server.get_string("n").await, None);
}

#[tokio::test]
async fn a_request_that_is_delayed_is_answered_later() {
    let (_server, proxy, mut client) = set_up().await;
    proxy.strike_when(b"INCR", Fault::Delay(Duration::from_millis(100)));
    let begin = Instant::now();
    assert_eq!(client.call(&["INCR", "n"]).await.expect("a reply").as_int(), 1);
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_request_that_is_repeated_is_executed_again_after_its_reply() {
    let (server, proxy, mut client) = set_up().await;
    proxy.strike_when(b"INCR", Fault::Repeat(LONG));
    assert_eq!(client.call(&["INCR", "n"]).await.expect("a reply").as_int(), 1);
    assert_eq!(server.get_string("n").await.as_deref(), Some("1"));
    proxy.deliver_held().await;
    assert_eq!(server.get_string("n").await.as_deref(), Some("2"));
    // The client's own connection is not affected.
    assert_eq!(client.call(&["INCR", "n"]).await.expect("a reply").as_int(), 3);
}

#[tokio::test]
async fn a_request_that_is_late_is_executed_after_its_connection_has_closed() {
    let (server, proxy, mut client) = set_up().await;
    proxy.strike_when(b"INCR", Fault::Late(LONG));
    client.send_bytes(&encode(&["INCR", "n"])).await.expect("the proxy reads");
    assert!(client.read_to_close().await.is_empty());
    assert_eq!(server.get_string("n").await, None);
    proxy.deliver_held().await;
    assert_eq!(server.get_string("n").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn random_disturbances_happen_until_they_are_disabled() {
    let (server, proxy, mut client) = set_up().await;
    proxy.disturb(Disturbances {
        kinds: vec![Disturbance::Repeat],
        one_in: 2,
        longest_delay: Duration::ZERO,
        longest_hold: Duration::from_millis(20),
        longest_outage: Duration::ZERO,
        seed: 7,
    });
    for _ in 0..100 {
        client.call(&["INCR", "n"]).await.expect("a reply");
    }
    proxy.calm();
    proxy.settled().await;
    let repeated = proxy.disturbed()[&Disturbance::Repeat];
    assert!((20..80).contains(&repeated), "{repeated}");
    let expected = (100 + repeated).to_string();
    assert_eq!(server.get_string("n").await, Some(expected));
    client.call(&["INCR", "n"]).await.expect("a reply");
    proxy.settled().await;
    assert_eq!(proxy.disturbed()[&Disturbance::Repeat], repeated);
}
