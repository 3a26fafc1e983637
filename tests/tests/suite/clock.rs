//! A client with a wrong time of the server: the server's clock was set after the client had read
//! it, or another server has taken over. Deadlines are still right.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use metastore::{Collection, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use validator::Validate;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "clock", app = "test", name = "grouped", object_type = state, ttl = "1h")]
struct Grouped {
    size: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "clock", app = "test", name = "single", object_type = state, ttl = "1h")]
struct Single {
    #[unique]
    size: u64,
}

const HOUR: i64 = 3600;

/// A relay that adds some seconds to the server's replies to TIME only.
async fn shifting_relay(server: &Server, shift: Arc<AtomicI64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let port = server.port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let shift = shift.clone();
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut from_server, mut to_server) = server.into_split();
                let (mut from_client, mut to_client) = client.into_split();
                let requests = tokio::io::copy(&mut from_client, &mut to_server);
                let replies = async {
                    let mut buffer = vec![0; 64 * 1024];
                    loop {
                        let count = from_server.read(&mut buffer).await?;
                        if count == 0 {
                            return Ok::<(), std::io::Error>(());
                        }
                        add_to_time(&mut buffer[..count], shift.load(Ordering::SeqCst));
                        to_client.write_all(&buffer[..count]).await?;
                    }
                };
                let _ = tokio::join!(requests, replies);
            });
        }
    });
    format!("redis://{address}")
}

/// A reply to TIME is an array of two texts, of which the first has ten digits.
fn add_to_time(reply: &mut [u8], shift: i64) {
    const START: &[u8] = b"*2\r\n$10\r\n";
    let Some(at) = reply.windows(START.len()).position(|window| window == START) else { return };
    let digits = &mut reply[at + START.len()..at + START.len() + 10];
    let seconds: i64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
    digits.copy_from_slice((seconds + shift).to_string().as_bytes());
}

/// Checks that an item of an hour has between 59 and 61 minutes left, and so does its index entry.
async fn assert_an_hour(server: &Server, what: &str, collection: &str, id: &str) {
    let latest = format!("clock:test:{collection}:{id}:latest");
    let left = server.cli(&["PTTL", latest.as_str()]).await.as_int();
    assert!((59 * 60_000..=61 * 60_000).contains(&left), "{what}: {left} ms");
    let expires = server.cli(&["PEXPIRETIME", latest.as_str()]).await.as_int();
    let expiry = format!("idx:clock:test:{collection}:expiry");
    let score = server.cli(&["ZSCORE", expiry.as_str(), id]).await.as_str().parse::<i64>().unwrap();
    assert_eq!(score, expires, "{what}");
}

async fn shifted(hours: i64) -> (Server, Store, Arc<AtomicI64>) {
    let server = Server::start().await;
    let shift = Arc::new(AtomicI64::new(hours * HOUR));
    let url = shifting_relay(&server, shift.clone()).await;
    let store = Store::options().audit(true).connect(url).await.unwrap();
    (server, store, shift)
}

/// Two hours ahead and behind, and within the tolerance.
const SHIFTS: [i64; 2] = [2, -2];

#[tokio::test]
async fn no_item_expires_too_early_or_too_late_because_of_a_clock() {
    for hours in SHIFTS {
        for way in ["create", "create_with_id", "create single", "create_many", "import"] {
            let (server, store, shift) = shifted(hours).await;
            // The time of the server from now on.
            shift.store(0, Ordering::SeqCst);
            let what = format!("{way}, {hours} h");
            let (grouped, single): (Repo<Grouped>, Repo<Single>) = (store.repo(), store.repo());
            let (collection, id) = match way {
                "create" => {
                    ("grouped", grouped.create(Grouped { size: 1 }).await.unwrap().id.clone())
                }
                "create_with_id" => (
                    "grouped",
                    grouped.create_with_id("a", Grouped { size: 1 }).await.unwrap().id.clone(),
                ),
                "create single" => {
                    ("single", single.create(Single { size: 1 }).await.unwrap().id.clone())
                }
                "create_many" => {
                    let created = grouped.create_many([Grouped { size: 1 }]).await.remove(0);
                    ("grouped", created.unwrap().id.clone())
                }
                _ => {
                    server.cli(&["SET", "old:a", r#"{"size":1}"#]).await;
                    assert_eq!(grouped.import("old:*").await.unwrap().imported, 1, "{what}");
                    ("grouped", "a".parse().unwrap())
                }
            };
            assert_an_hour(&server, &what, collection, id.as_str()).await;
            let now = server.cli(&["TIME"]).await.as_strings()[0].parse::<u64>().unwrap();
            let item = match collection {
                "grouped" => grouped.get(&id).await.unwrap().unwrap().created_at,
                _ => single.get(&id).await.unwrap().unwrap().created_at,
            };
            assert!(item.as_millis().abs_diff(now * 1000) < 60_000, "{what}: {item}");
            let feed = format!("stream:audit:clock:test:{collection}");
            assert_eq!(server.cli(&["XLEN", feed.as_str()]).await.as_int(), 1, "{what}");
        }
    }
}

#[tokio::test]
async fn an_update_sets_the_time_to_live_by_the_servers_clock() {
    for hours in SHIFTS {
        let (server, store, shift) = shifted(0).await;
        let grouped: Repo<Grouped> = store.repo();
        let item = grouped.create_with_id("a", Grouped { size: 1 }).await.unwrap();
        // The client reads a wrong time here, as if the server's clock were set back afterwards.
        shift.store(hours * HOUR, Ordering::SeqCst);
        let url = shifting_relay(&server, shift.clone()).await;
        let other = Store::connect(url).await.unwrap().repo::<Grouped>();
        shift.store(0, Ordering::SeqCst);
        let item = other.update(&item, Grouped::patch().size(2)).await.unwrap();
        assert_eq!(item.version, 2);
        assert_an_hour(&server, &format!("update, {hours} h"), "grouped", "a").await;
        other.update_many([("a", Grouped::patch().size(3))]).await.remove(0).unwrap();
        assert_an_hour(&server, &format!("update_many, {hours} h"), "grouped", "a").await;
        assert_eq!(other.versions("a").await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_deletion_by_a_client_with_a_wrong_time_succeeds() {
    for hours in SHIFTS {
        let (_server, store, shift) = shifted(hours).await;
        shift.store(0, Ordering::SeqCst);
        let grouped: Repo<Grouped> = store.repo();
        grouped.create_with_id("a", Grouped { size: 1 }).await.unwrap();
        grouped.create_with_id("b", Grouped { size: 1 }).await.unwrap();
        assert!(grouped.delete("a").await.unwrap());
        assert!(grouped.delete_many(["b"]).await.remove(0).unwrap());
        assert_eq!(grouped.count().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_reconnection_reads_the_time_again() {
    let server = Server::start().await;
    let shift = Arc::new(AtomicI64::new(0));
    let url = shifting_relay(&server, shift.clone()).await;
    let store = Store::connect(url).await.unwrap();
    let before = store.now().as_millis();
    shift.store(30, Ordering::SeqCst);
    server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    let grouped: Repo<Grouped> = store.repo();
    metastore_tests::wait::until("the new time", Duration::from_secs(20), async || {
        let _ = grouped.count().await;
        store.now().as_millis() > before + 29_000
    })
    .await;
}
