//! An unreadable document stops nothing: each call continues and names it.

use futures_util::{StreamExt as _, TryStreamExt as _};
use metastore::{Collection, DynamicQuery, ErrorKind, Store};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{Log, Order, Text, order, start, start_with, text};

const KEY: &str = "myapp:textsplitter:texts:";

#[tokio::test]
async fn one_unreadable_document_stops_no_list_and_is_named() {
    let log = Log::default();
    let _guard = log.record();
    let (server, repo) = start().await;
    let texts = &repo.texts;
    for number in 0..9 {
        texts.create_with_id(format!("t{number}"), text(&number.to_string())).await.unwrap();
    }
    // One of each kind: no JSON, no envelope, another shape, nothing, another type of value.
    let stored = server.get_string(&format!("{KEY}t3:latest")).await.unwrap();
    for (id, value) in [
        ("t1", "no document".to_owned()),
        ("t2", "{}".to_owned()),
        ("t3", stored.replace("\"content\":\"3\"", "\"content\":3")),
        ("t4", String::new()),
    ] {
        server.cli(&["SET", &format!("{KEY}{id}:latest"), &value]).await;
    }
    server.cli(&["DEL", &format!("{KEY}t5:latest")]).await;
    server.cli(&["RPUSH", &format!("{KEY}t5:latest"), "x"]).await;
    let (bad, good) = (["t1", "t2", "t3", "t4", "t5"], ["t0", "t6", "t7", "t8"]);

    let listed = texts.list().oldest_first().await.unwrap();
    assert_eq!(listed.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), good);
    let named = |unreadable: &[metastore::Unreadable]| {
        unreadable.iter().map(|one| one.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(&listed.unreadable), bad);
    for one in &listed.unreadable {
        assert_eq!(one.error.key(), Some(format!("{KEY}{}:latest", one.id).as_str()));
        let kind = one.error.kind();
        let of_item = matches!(kind, ErrorKind::Decode { .. } | ErrorKind::WrongType(_));
        assert!(of_item, "{:?}", one.error);
    }
    assert!(log.text().contains("items cannot be read") && log.text().contains("count=5"));

    let found = texts.find(Text::LANGUAGE.is_none()).oldest_first();
    let page = found.page().await.unwrap();
    assert_eq!((page.items.len(), named(&page.unreadable).len()), (4, 5));
    // Pages of two contain each item once, readable or not, and always make progress.
    let pages: Vec<_> = texts.list().limit(2).pages().try_collect().await.unwrap();
    let (mut ids, mut lost) = (Vec::new(), Vec::new());
    for page in &pages {
        assert!(page.items.len() + page.unreadable.len() <= 2);
        ids.extend(page.items.iter().map(|item| item.id.to_string()));
        lost.extend(named(&page.unreadable));
    }
    ids.sort();
    lost.sort();
    assert_eq!((ids, lost), (good.map(String::from).to_vec(), bad.map(String::from).to_vec()));
    let streamed: Vec<_> = texts.list().oldest_first().stream().collect().await;
    assert_eq!(streamed.len(), 9);
    for (number, item) in streamed.iter().enumerate() {
        assert_eq!(item.is_err(), bad.contains(&&*format!("t{number}")), "{item:?}");
    }
    let many = texts.get_many((0..9).map(|number| format!("t{number}"))).await;
    assert_eq!(many.iter().filter(|one| matches!(one, Ok(Some(_)))).count(), 4);

    let by_name = repo.dynamic().find_items("texts", &DynamicQuery::new()).await.unwrap();
    assert_eq!((by_name.items.len(), by_name.unreadable.len()), (4, 5));
    let json = serde_json::to_value(&by_name).unwrap();
    assert_eq!(json["unreadable"].as_array().unwrap().len(), 5);
    assert!(json["unreadable"][0]["error"].as_str().unwrap().contains(KEY), "{json}");

    // The raw text can be read, and every iteration reports what is wrong.
    assert_eq!(texts.get_raw("t1").await.unwrap().as_deref(), Some("no document"));
    let raw = repo.dynamic().get_raw("texts", "t3").await.unwrap().unwrap();
    assert!(raw.contains("\"content\":3"), "{raw}");
    assert_eq!(texts.get_raw("nobody").await.unwrap(), None);
    for report in [texts.verify().await.unwrap(), texts.repair().await.unwrap()] {
        assert_eq!((report.checked, report.failed), (9, 5));
        let mut named: Vec<_> = report.failures.iter().map(|failure| &failure.id[..]).collect();
        named.sort_unstable();
        assert_eq!(named, bad);
    }
    let migrated = texts.migrate().await.unwrap();
    assert_eq!((migrated.done, migrated.failed), (9, 4), "{:?}", migrated.failures);
    assert_eq!(texts.stats().await.unwrap().items, 9);

    // Each is deleted by id, and everything is as if it had not been.
    for id in &bad[..4] {
        assert!(texts.delete(*id).await.unwrap(), "{id}");
    }
    server.cli(&["DEL", &format!("{KEY}t5:latest")]).await;
    assert_eq!(texts.list().await.unwrap().unreadable.len(), 0);
    assert!(texts.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn an_older_program_lists_what_it_can_read_among_documents_of_a_newer_one() {
    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "roll", name = "notes", object_type = texts)]
    struct Note {
        title: String,
    }
    #[derive(Clone, Debug, Serialize, Deserialize, Validate)]
    struct Title {
        text: String,
    }
    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "roll", name = "notes", object_type = texts, schema = 2)]
    #[upgrade(1 -> 2, with = titled)]
    struct NewNote {
        title: Title,
    }
    #[expect(clippy::unnecessary_wraps, reason = "upgrades may fail")]
    fn titled(document: &mut serde_json::Map<String, serde_json::Value>) -> Result<(), String> {
        let title = document.remove("title").unwrap_or_default();
        document.insert("title".into(), serde_json::json!({ "text": title }));
        Ok(())
    }
    let (_server, repo) = start().await;
    let (old, new) = (repo.texts.store().repo::<Note>(), repo.texts.store().repo::<NewNote>());
    old.create_with_id("old", Note { title: "a".into() }).await.unwrap();
    new.create_with_id("new", NewNote { title: Title { text: "b".into() } }).await.unwrap();
    let listed = old.list().await.unwrap();
    assert_eq!(listed.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["old"]);
    assert_eq!(listed.unreadable[0].id, "new");
    let kind = listed.unreadable[0].error.kind();
    assert!(matches!(kind, ErrorKind::NewerSchema { stored: 2, known: 1, .. }), "{kind:?}");
}

#[tokio::test]
async fn a_foreign_entry_in_an_audit_stream_stops_no_reader() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    repo.texts.create_with_id("a", text("1")).await.unwrap();
    let feed = "stream:audit:myapp:textsplitter:texts";
    server.cli(&["XADD", feed, "*", "nonsense", "x"]).await;
    repo.texts.create_with_id("b", text("2")).await.unwrap();
    let page = repo.texts.audit_feed().await.unwrap();
    assert_eq!((page.entries.len(), page.unreadable.len()), (2, 1));
    let first = repo.texts.audit_feed().limit(1).await.unwrap();
    let rest = repo.texts.audit_feed().after(first.position).await.unwrap();
    assert_eq!((rest.entries.len(), rest.unreadable.len(), rest.more), (1, 1, false));
}

#[tokio::test]
async fn a_damaged_record_of_index_entries_hides_no_item_and_is_repaired() {
    let (server, repo) = start().await;
    let orders = &repo.orders;
    for total in 0..5 {
        let order = Order { country: Some("fr".into()), ..order(total) };
        orders.create_with_id(format!("o{total}"), order).await.unwrap();
    }
    let entries = "idx:shop:web:orders:entries";
    let whole = server.cli(&["HGET", entries, "o2"]).await.as_bytes().to_vec();
    let cut = whole[..whole.len() / 2].to_vec();
    let long = [&whole[..12], b"99999999:by:country3:xfr"].concat();
    let foreign = [&whole[..12], b"7:entries3:xfr"].concat();
    for damaged in
        [&b""[..], b"x", b"zzzzzzzzzzzz", &cut, &long, &foreign, &whole[1..], &whole[..13]]
    {
        server.cli(&[b"HSET", entries.as_bytes(), b"o2", damaged]).await;
        let shown = damaged.escape_ascii().to_string();
        let french = || Order::COUNTRY.eq("fr");
        let found = orders.find(french()).await.unwrap();
        assert_eq!(found.len(), if damaged.is_empty() { 4 } else { 5 }, "{shown}");
        // Whether it meets another condition is unknown, so it is named.
        if !damaged.is_empty() && orders.find(Order::TOTAL.at_least(0)).count().await.is_ok() {
            let both = orders.find(french().and(Order::TOTAL.at_least(0))).await.unwrap();
            assert_eq!((both.len(), both.unreadable.len()), (4, 1), "{shown}");
            assert_eq!(both.unreadable[0].id, "o2");
            assert!(both.unreadable[0].error.to_string().contains("repair()"));
        }
        assert_eq!(orders.verify().await.unwrap().wrong, 1, "{shown}");
        assert_eq!(orders.repair().await.unwrap().wrong, 1, "{shown}");
        assert!(orders.verify().await.unwrap().is_clean(), "{shown}");
        let both = orders.find(french().and(Order::TOTAL.at_least(0))).await.unwrap();
        assert_eq!((both.len(), both.unreadable.len()), (5, 0), "{shown}");
    }
    // An update and a deletion succeed despite it, and eviction removes the rest.
    server.cli(&[b"HSET", entries.as_bytes(), b"o2", &cut]).await;
    orders.update("o2", Order::patch().country("de")).await.unwrap();
    server.cli(&[b"HSET", entries.as_bytes(), b"o3", &cut]).await;
    orders.delete("o3").await.unwrap();
    orders.repair().await.unwrap();
    assert!(orders.verify().await.unwrap().is_clean());
    assert_eq!(orders.find(Order::COUNTRY.eq("fr")).await.unwrap().len(), 3);
    assert_eq!(orders.find(Order::COUNTRY.eq("de")).await.unwrap().len(), 1);
}
