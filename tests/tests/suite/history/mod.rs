//! History: versions, diff, revert, as-of.

mod as_of;
mod diff;
mod revert;
mod versions;

use metastore::{Collection as _, Item, Repo, Timestamp};
use metastore_tests::Server;
use serde_json::Value;

use crate::fixture::{Text, text};

const AT: &str = "myapp:textsplitter:texts:abc123";

/// An item with these contents as its versions.
async fn versions(texts: &Repo<Text>, contents: &[&str]) -> Item<Text> {
    let mut item = texts.create_with_id("abc123", text(contents[0])).await.unwrap();
    for content in &contents[1..] {
        item = texts.update(&item, Text::patch().content(*content)).await.unwrap();
    }
    item
}

/// Stores versions from 1 on, each written at the given time, without the library.
async fn plant(server: &Server, written: &[u64]) {
    let mut line = server.connect().await.unwrap();
    for (number, time) in (1..).zip(written) {
        let key = if number == written.len() {
            format!("{AT}:latest")
        } else {
            format!("{AT}:version:{number}")
        };
        let created = written[0];
        let json = format!(
            r#"{{"version":{number},"id":"abc123","commit":"c{number}","schema":1,"created":{created},"updated":{time},"data":{{"name":"n","content":"{number}","language":null}}}}"#
        );
        line.call(&["SET".to_owned(), key, json]).await.unwrap();
    }
}

async fn add_field(server: &Server, key: &str, field: &str) {
    let stored = server.get_string(key).await.unwrap();
    let newer = format!("{},{field}}}}}", &stored[..stored.len() - 2]);
    server.cli(&["SET", key, newer.as_str()]).await;
}

async fn data(server: &Server) -> Value {
    let stored = server.get_string(&format!("{AT}:latest")).await.unwrap();
    serde_json::from_str::<Value>(&stored).unwrap()["data"].clone()
}

async fn audited(server: &Server) -> Vec<String> {
    let entries = server.cli(&["XRANGE", &format!("stream:audit:{AT}"), "-", "+"]).await;
    entries.as_array().iter().map(|entry| entry.as_array()[1].as_strings()[1].to_owned()).collect()
}

fn millis(time: u64) -> Timestamp {
    Timestamp::from_millis(time)
}
