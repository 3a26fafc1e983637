//! `keep` and `keep_for`: each write trims the history in the same step, and every read of history
//! reports removed versions correctly.

use metastore::{Collection, Item, Repo, Store, Timestamp};
use metastore_tests::{Cut, Server};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{start, start_proxied};

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

#[tokio::test]
async fn history_stays_bounded_by_keep_and_the_current_version_counts() {
    let (server, base) = start().await;
    let pages = repo::<Kept>(&base.texts);
    let mut page = pages.create_with_id("p", Kept { body: "1".into() }).await.unwrap();
    for number in 2..=20u64 {
        page = pages.update(&page, Kept::patch().body(number.to_string())).await.unwrap();
        let oldest = number.saturating_sub(2).max(1);
        assert_eq!(stored(&server, AT).await, (oldest..number).collect::<Vec<_>>());
        assert_eq!(listed(&pages).await, (oldest..=number).rev().collect::<Vec<_>>());
    }
    assert_eq!(page.version, 20, "versions are counted on, whatever goes");
    assert!(pages.get_version("p", 17).await.unwrap().is_none());
    assert_eq!(pages.get_version("p", 18).await.unwrap().unwrap().data.body, "18");
    let page = pages.versions("p").before(19).limit(5).await.unwrap();
    assert_eq!(page.iter().map(|version| version.version).collect::<Vec<_>>(), [18]);
    assert!(pages.versions("p").before(18).await.unwrap().is_empty());
}

#[tokio::test]
async fn keep_1_leaves_no_older_version_and_never_removes_the_current_one() {
    let (server, base) = start().await;
    let pages = repo::<Latest>(&base.texts);
    let mut page = pages.create_with_id("p", Latest { body: "1".into() }).await.unwrap();
    for number in 2..=5 {
        page = pages.update(&page, Latest::patch().body(number.to_string())).await.unwrap();
        assert_eq!(stored(&server, AT).await, Vec::<u64>::new());
        assert_eq!(pages.get("p").await.unwrap().unwrap().version, number);
        assert_eq!(listed(&pages).await, [number]);
    }
    assert!(pages.update(&page, Latest::patch().body("5")).await.unwrap().unchanged);
    assert!(pages.delete("p").await.unwrap());
    assert!(!server.keys().await.contains(&format!("{AT}:trimmed")));
}

#[tokio::test]
async fn a_version_is_removed_once_it_has_been_superseded_for_longer_than_keep_for() {
    let (server, base) = start().await;
    let pages = repo::<Aged>(&base.texts);
    let now = base.texts.store().now().as_millis();
    // Version 3 was written long ago but superseded only 89 days ago, so it stays.
    plant(&server, &[now - 400 * DAY, now - 300 * DAY, now - 200 * DAY, now - 89 * DAY, now]).await;
    let page = pages.update("p", Aged::patch().body("6")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [3, 4, 5]);
    pages.update(&page, Aged::patch().body("7")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [3, 4, 5, 6]);
    assert_eq!(listed(&pages).await, [7, 6, 5, 4, 3]);
    // The current version stays, however old it is.
    server.cli(&["FLUSHALL"]).await;
    plant(&server, &[now - 400 * DAY, now - 300 * DAY]).await;
    assert_eq!(pages.trim("p").await.unwrap(), 1);
    assert_eq!(listed(&pages).await, [2]);
}

#[tokio::test]
async fn with_both_bounds_a_version_is_removed_as_soon_as_one_allows_it() {
    let (server, base) = start().await;
    let pages = repo::<Both>(&base.texts);
    let now = base.texts.store().now().as_millis();
    plant(&server, &[now - 3, now - 2, now - 1, now, now, now]).await;
    pages.update("p", Both::patch().body("7")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [4, 5, 6], "by number");
    server.cli(&["FLUSHALL"]).await;
    plant(&server, &[now - 300 * DAY, now - 200 * DAY, now]).await;
    pages.update("p", Both::patch().body("4")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [2, 3], "by age");
}

#[tokio::test]
async fn a_tightened_retention_catches_up_over_writes_in_bounded_steps() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    plant(&server, &vec![now - DAY; 250]).await;
    let pages = repo::<Kept>(&base.texts);
    pages.update("p", Kept::patch().body("251")).await.unwrap();
    assert_eq!(stored(&server, AT).await, (101..=250).collect::<Vec<_>>());
    // After half of the steps, the remaining versions can still be read.
    assert_eq!(listed(&pages).await, (101..=251).rev().collect::<Vec<_>>());
    assert_eq!(pages.get_version("p", 101).await.unwrap().unwrap().data.body, "101");
    pages.update("p", Kept::patch().body("252")).await.unwrap();
    assert_eq!(stored(&server, AT).await, (201..=251).collect::<Vec<_>>());
    pages.update("p", Kept::patch().body("253")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [251, 252]);
    // With a longer retention removed versions stay removed, and new ones are kept.
    let all = repo::<Page>(&base.texts);
    for number in 254..=256 {
        all.update("p", Page::patch().body(number.to_string())).await.unwrap();
    }
    assert_eq!(stored(&server, AT).await, (251..=255).collect::<Vec<_>>());
    assert!(all.delete("p").await.unwrap());
    assert_eq!(server.keys().await, ["idx:myapp:wiki:pages:commits"]);
}

#[tokio::test]
async fn an_item_that_is_not_written_any_more_can_be_trimmed() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    let mut written = vec![now - 100 * DAY; 2_500];
    written.push(now);
    plant(&server, &written).await;
    let pages = repo::<Aged>(&base.texts);
    // The last of the old ones was superseded just now.
    server.reset_command_counts().await;
    assert_eq!(pages.trim("p").await.unwrap(), 2_499);
    let calls = server.command_counts().await;
    // Three steps of up to 1,000, and the script's text once.
    let scripts = calls.get("evalsha").unwrap_or(&0) + calls.get("eval").unwrap_or(&0);
    assert!((3..=4).contains(&scripts), "{calls:?}");
    assert_eq!(stored(&server, AT).await, [2_500]);
    assert_eq!(pages.trim("p").await.unwrap(), 0);
    assert!(pages.trim("nobody").await.unwrap_err().is_not_found());
    assert_eq!(repo::<Page>(&base.texts).trim("nobody").await.unwrap(), 0, "nothing to apply");
    assert_eq!(repo::<Kept>(&base.texts).trim("p").await.unwrap(), 0);
}

#[tokio::test]
async fn a_whole_collection_is_trimmed_in_steps_that_can_be_resumed() {
    let (server, base) = start().await;
    let all = repo::<Page>(&base.texts);
    let mut latest = Vec::new();
    for item in 0..25 {
        let mut page = all.create(Page { body: "0".into() }).await.unwrap();
        for number in 1..=item % 8 {
            page = all.update(&page, Page::patch().body(number.to_string())).await.unwrap();
        }
        latest.push(page);
    }
    let surplus = |page: &Item<Page>| page.version.saturating_sub(3);
    let pages = repo::<Kept>(&base.texts);
    let mut steps = Vec::new();
    let first = pages.trim_all().limit(10).progress(|so_far| steps.push(so_far.done)).await;
    let first = first.unwrap();
    assert_eq!((first.total, first.done), (25, 10));
    assert_eq!(first.removed, latest[..10].iter().map(surplus).sum::<u64>());
    // An error of one item does not stop the others.
    let broken = format!("myapp:wiki:pages:{}:latest", latest[20].id);
    server.cli(&["SET", broken.as_str(), "something else"]).await;
    all.delete(&latest[21].id).await.unwrap();
    let rest = pages.trim_all().resume(first.resume.as_ref().unwrap()).await.unwrap();
    assert_eq!((rest.done, rest.failed, rest.resume), (14, 1, None));
    assert_eq!(rest.failures[0].key(), Some(broken.as_str()));
    let untouched = [20, 21].map(|item| surplus(&latest[item])).iter().sum::<u64>();
    assert_eq!(rest.removed, latest[10..].iter().map(surplus).sum::<u64>() - untouched);
    for page in &latest[..20] {
        let left = pages.versions(&page.id).await.unwrap();
        assert_eq!(left.len() as u64, page.version.min(3));
    }
    assert_eq!(pages.trim_all().await.unwrap().removed, 0);
    assert_eq!(all.trim_all().await.unwrap().done, 0, "a collection that keeps all");
    assert_eq!(steps, [10]);
    assert!(pages.trim_all().limit(0).await.is_err());
}

#[tokio::test]
async fn every_read_of_history_reports_removed_versions() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    let written: Vec<u64> = (0..10).map(|n| now - 1_000 + n * 10).collect();
    plant(&server, &written).await;
    let pages = repo::<Kept>(&base.texts);
    assert_eq!(pages.trim("p").await.unwrap(), 7);
    let gone = Some("myapp:wiki:pages:p:version:7");
    let error = pages.diff("p", 7, 9).await.unwrap_err();
    assert_eq!((error.is_not_found(), error.key()), (true, gone), "{error}");
    let error = pages.revert("p", 7).await.unwrap_err();
    assert_eq!((error.is_not_found(), error.key()), (true, gone), "{error}");
    assert!(pages.get_version("p", 7).await.unwrap().is_none());
    let as_of = async |number: usize| {
        let time = Timestamp::from_millis(written[number - 1]);
        pages.as_of("p", time).await.unwrap().map(|page| page.version)
    };
    assert_eq!([as_of(1).await, as_of(7).await, as_of(8).await], [None, None, Some(8)]);
    assert_eq!(pages.revert("p", 8).await.unwrap().version, 11);
    assert_eq!(listed(&pages).await, [11, 10, 9], "a revert trims, too");
}

#[tokio::test]
async fn deleting_an_item_at_version_a_million_does_not_look_for_a_million_versions() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    let million = 1_000_000;
    for number in million - 2..million {
        let key = format!("{AT}:version:{number}");
        server.cli(&["SET".to_owned(), key, envelope(number, now, now)]).await;
    }
    let latest = format!("{AT}:latest");
    server.cli(&["SET".to_owned(), latest, envelope(million, now, now)]).await;
    server.cli(&["SET", "myapp:wiki:pages:p:trimmed", "999998"]).await;
    let pages = repo::<Kept>(&base.texts);
    pages.update("p", Kept::patch().body("next")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [999_999, 1_000_000]);
    server.reset_command_counts().await;
    assert!(pages.delete("p").await.unwrap());
    let counts = server.command_counts().await;
    assert!(counts["unlink"] < 10, "{counts:?}");
    let left = server.keys().await;
    assert_eq!(left, ["idx:myapp:wiki:pages:commits"]);
}

#[tokio::test]
async fn deleting_a_long_history_removes_all_of_it_without_blocking_others_for_long() {
    let server = Server::builder().arg("--enable-debug-command", "yes").start().await;
    let pages = Store::connect(server.url()).await.unwrap().repo::<Page>();
    let now = pages.store().now().as_millis();
    // Keys 0 to 25,000; the library numbers from 1.
    server.cli(&["DEBUG", "POPULATE", "25001", "myapp:wiki:pages:p:version", "50"]).await;
    server.cli(&["DEL", "myapp:wiki:pages:p:version:0"]).await;
    let latest = format!("{AT}:latest");
    server.cli(&["SET".to_owned(), latest, envelope(25_001, now, now)]).await;
    server.reset_command_counts().await;
    assert!(pages.delete("p").await.unwrap());
    let calls = server.command_counts().await;
    let scripts = calls.get("evalsha").unwrap_or(&0) + calls.get("eval").unwrap_or(&0);
    // Three steps, and the script's text once.
    assert!((3..=4).contains(&scripts), "{calls:?}");
    assert_eq!(server.keys().await, ["idx:myapp:wiki:pages:commits"]);
}

#[tokio::test]
async fn a_write_that_was_trimmed_before_its_reply_arrived_is_not_made_twice() {
    // Without its commit id, a writer whose version was removed at once would see a conflict.
    let (server, proxy, base) = start_proxied(Store::options()).await;
    let pages = repo::<Latest>(&base.texts);
    let direct = Store::connect(server.url()).await.unwrap().repo::<Latest>();
    let page = pages.create_with_id("p", Latest { body: "1".into() }).await.unwrap();
    // Both scripts are loaded, so that the reply to one that ran is cut.
    pages.update(&page, Latest::patch().body("2")).await.unwrap();
    for round in 0..5 {
        let before = direct.get("p").await.unwrap().unwrap().version;
        proxy.cut_when(b":version:", Cut::ReplyAt(0));
        proxy.refuse(true);
        let lost = tokio::spawn({
            let pages = pages.clone();
            async move { pages.update("p", Latest::patch().body(format!("mine {round}"))).await }
        });
        metastore_tests::wait::until("the write", crate::fixture::SOON, async || {
            direct.get("p").await.unwrap().unwrap().version == before + 1
        })
        .await;
        direct.update("p", Latest::patch().body("another's")).await.unwrap();
        proxy.refuse(false);
        let mine = lost.await.unwrap().unwrap();
        assert_eq!(mine.version, before + 1, "the reported version is that of the applied write");
        let current = direct.get("p").await.unwrap().unwrap();
        assert_eq!((current.version, current.data.body.as_str()), (before + 2, "another's"));
    }
}

#[tokio::test]
async fn the_retention_mark_of_an_item_expires_with_it() {
    let (server, base) = start().await;
    let visits = repo::<Visit>(&base.texts);
    let mut visit = visits.create_with_id("p", Visit { body: "1".into() }).await.unwrap();
    for number in 2..=6 {
        visit = visits.update(&visit, Visit::patch().body(number.to_string())).await.unwrap();
    }
    assert_eq!(stored(&server, "myapp:wiki:visits:p").await, [5]);
    for key in server.keys().await.iter().filter(|key| key.starts_with("myapp:")) {
        assert!(server.cli(&["PTTL", key.as_str()]).await.as_int() > 0, "{key} never expires");
    }
}

#[tokio::test]
async fn what_an_earlier_item_with_the_id_left_behind_does_not_hide_versions() {
    let (server, base) = start().await;
    let pages = repo::<Kept>(&base.texts);
    server.cli(&["SET", "myapp:wiki:pages:p:trimmed", "4"]).await;
    let mut page = pages.create_with_id("p", Kept { body: "1".into() }).await.unwrap();
    for number in 2..=6 {
        page = pages.update(&page, Kept::patch().body(number.to_string())).await.unwrap();
    }
    assert_eq!(stored(&server, AT).await, [4, 5]);
    // A key of another type does not make a write fail halfway.
    server.cli(&["DEL", "myapp:wiki:pages:p:trimmed", "myapp:wiki:pages:p:version:5"]).await;
    server.cli(&["LPUSH", "myapp:wiki:pages:p:trimmed", "x"]).await;
    server.cli(&["LPUSH", "myapp:wiki:pages:p:version:5", "x"]).await;
    pages.update(&page, Kept::patch().body("7")).await.unwrap();
    pages.update("p", Kept::patch().body("8")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [6, 7]);
}

#[tokio::test]
async fn a_full_server_refuses_the_write_whole_and_still_trims() {
    let server = Server::builder().arg("--maxmemory", "64mb").start().await;
    let pages = Store::connect(server.url()).await.unwrap().repo::<Kept>();
    let now = pages.store().now().as_millis();
    plant(&server, &[now; 50]).await;
    let page = pages.get("p").await.unwrap().unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let before = server.keys().await;
    pages.update(&page, Kept::patch().body("x")).await.unwrap_err();
    assert_eq!(server.keys().await, before);
    assert_eq!(pages.trim("p").await.unwrap(), 47);
    assert_eq!(listed(&pages).await, [50, 49, 48]);
}

#[tokio::test]
async fn every_write_path_keeps_the_superseded_version() {
    // A path that bypasses history would lose what it overwrites.
    let (_server, base) = start().await;
    let pages = repo::<Page>(&base.texts);
    let body = |body: &str| Page { body: body.into() };
    pages.create_with_id("p", body("1")).await.unwrap();
    pages.update("p", Page::patch().body("2")).await.unwrap();
    pages.update_at("p", 2, Page::patch().body("3")).await.unwrap();
    pages.replace("p", body("4")).await.unwrap();
    pages.modify("p", |page| page.body = "5".into()).await.unwrap();
    pages.revert("p", 1).await.unwrap();
    pages.update("p", Page::patch().body("7")).await.unwrap();
    assert_eq!(pages.get_version("p", 6).await.unwrap().unwrap().data.body, "1");
    for number in 1..=5 {
        let version = pages.get_version("p", number).await.unwrap().unwrap();
        assert_eq!(version.data.body, number.to_string());
    }
}
