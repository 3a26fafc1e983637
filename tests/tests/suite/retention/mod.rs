//! `keep` and `keep_for`: each write trims the history in the same step, and every read of history
//! reports removed versions correctly.

mod bounds;
mod failures;
mod trimming;

use metastore::{Collection, Repo};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// A page without retention.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "wiki", name = "pages", object_type = texts)]
struct Page {
    body: String,
}

/// The same page after its retention was tightened.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "wiki", name = "pages", object_type = texts, keep = 3)]
struct Kept {
    body: String,
}

/// The same page without older versions.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "wiki", name = "pages", object_type = texts, keep = 1)]
struct Latest {
    body: String,
}

/// The same page, bounded by age.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "wiki", name = "pages", object_type = texts, keep_for = "90d")]
struct Aged {
    body: String,
}

/// The same page, bounded by both.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "wiki", name = "pages", object_type = texts)]
#[collection(keep = 4, keep_for = "90d")]
struct Both {
    body: String,
}

/// A session with a short history.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "wiki", name = "visits", object_type = state, keep = 2)]
struct Visit {
    body: String,
}

const AT: &str = "myapp:wiki:pages:p";
const DAY: u64 = 24 * 60 * 60 * 1000;

fn repo<T: Collection>(of: &Repo<impl Collection>) -> Repo<T> {
    of.store().repo()
}

/// The numbers of the version keys that are stored, the oldest first.
async fn stored(server: &Server, prefix: &str) -> Vec<u64> {
    let prefix = format!("{prefix}:version:");
    let keys = server.keys().await;
    let numbers = keys.iter().filter_map(|key| key.strip_prefix(&prefix)?.parse().ok());
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

async fn listed<T: Collection>(repo: &Repo<T>) -> Vec<u64> {
    repo.versions("p").await.unwrap().iter().map(|version| version.version).collect()
}

/// Stores versions from 1 on, each written at the given time, without the library.
async fn plant(server: &Server, written: &[u64]) {
    let mut line = server.connect().await.unwrap();
    for (number, time) in (1..).zip(written) {
        let json = envelope(number, written[0], *time);
        let key = if number == written.len() {
            format!("{AT}:latest")
        } else {
            format!("{AT}:version:{number}")
        };
        line.call(&["SET".to_owned(), key, json]).await.unwrap();
    }
}

fn envelope(number: usize, created: u64, updated: u64) -> String {
    let mut json = format!(
        r#"{{"version":{number},"id":"p","commit":"c{number}","schema":1,"created":{created},"#
    );
    if updated != created {
        json.push_str(&format!(r#""updated":{updated},"#));
    }
    json.push_str(&format!(r#""data":{{"body":"{number}"}}}}"#));
    json
}
