//! Lost replies, expiring items, earlier items with the same id, and full servers.

use metastore::{Collection as _, Store};
use metastore_tests::{Cut, Server};

use super::{AT, Kept, Latest, Visit, listed, plant, repo, stored};
use crate::fixture::{start, start_proxied};

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
