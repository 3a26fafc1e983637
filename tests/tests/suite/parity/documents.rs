//! Documents: definition, lifetime, validation, versions and lists.

use metastore::schema::ObjectType;
use metastore::{Collection as _, ErrorKind, Id, Item, Store};
use metastore_tests::Server;

use super::{Draft, Flag, MyRepo, Preference, Session, Text, left, start, text};

/// `defineRepo({domain, app, collections})`
#[tokio::test]
async fn a_repository_is_defined_by_its_structs() {
    let (server, repo) = start().await;
    assert_eq!(repo.texts.address().as_str(), "myapp:splitter:texts");
    assert_eq!(repo.flags.address().as_str(), "myapp:splitter:flags");
    let item = repo.texts.create_with_id("abc", text("one")).await.unwrap();
    assert_eq!(item.id.as_str(), "abc");
    assert!(server.keys().await.contains(&"myapp:splitter:texts:abc:latest".to_owned()));
}

/// `repo.connect(client, {enableAudit})`
#[tokio::test]
async fn a_repository_connects_with_options() {
    let server = Server::start().await;
    let options = Store::options().audit(true).actor("ada").domain("theirs").app("elsewhere");
    let store = options.connect(server.url()).await.unwrap();
    let repo = MyRepo::with_store(&store);
    assert_eq!(repo.texts.address().as_str(), "theirs:elsewhere:texts");
    let item = repo.texts.create(text("one")).await.unwrap();
    assert_eq!(
        repo.texts.audit(&item.id).await.unwrap().entries[0].actor,
        Some("ada".parse().unwrap())
    );

    let unaudited = Store::options().audit(false).connect(server.url()).await.unwrap();
    let repo = MyRepo::with_store(&unaudited);
    let item = repo.texts.create(text("one")).await.unwrap();
    assert!(repo.texts.audit(&item.id).await.unwrap().entries.is_empty());
}

/// `objectType`: CONFIG, SETTINGS, STATE, TEXTS
#[tokio::test]
async fn the_object_type_determines_the_time_to_live() {
    let (server, repo) = start().await;
    let expected = [
        (Flag::SCHEMA.object_type, ObjectType::Config),
        (Preference::SCHEMA.object_type, ObjectType::Settings),
        (Session::SCHEMA.object_type, ObjectType::State),
        (Text::SCHEMA.object_type, ObjectType::Texts),
    ];
    assert!(expected.iter().all(|(found, wanted)| found == wanted), "{expected:?}");
    repo.flags.create_with_id("a", Flag { on: true }).await.unwrap();
    repo.preferences.create_with_id("a", Preference { theme: "dark".into() }).await.unwrap();
    repo.sessions.create_with_id("a", Session { user: "ada".into() }).await.unwrap();
    repo.texts.create_with_id("a", text("one")).await.unwrap();
    let day = 24 * 60 * 60;
    assert_eq!(left(&server, "myapp:splitter:flags:a:latest").await, -1);
    let settings = left(&server, "myapp:splitter:preferences:a:latest").await;
    assert!((30 * day - 60..=30 * day).contains(&settings), "{settings}");
    let state = left(&server, "myapp:splitter:sessions:a:latest").await;
    assert!((60 * 60 - 60..=60 * 60).contains(&state), "{state}");
    // Texts never expire, and keep all their versions.
    for number in 0..20 {
        let patch = Text::patch().content(number.to_string());
        repo.texts.update("a", patch).await.unwrap();
    }
    assert_eq!(left(&server, "myapp:splitter:texts:a:latest").await, -1);
    assert_eq!(left(&server, "myapp:splitter:texts:a:version:1").await, -1);
    assert_eq!(repo.texts.versions("a").limit(100).await.unwrap().len(), 21);
}

/// `ttl` override
#[tokio::test]
async fn a_collection_can_set_the_time_to_live_of_its_items() {
    let (server, repo) = start().await;
    repo.drafts.create_with_id("a", Draft { text: "one".into() }).await.unwrap();
    let draft = left(&server, "myapp:splitter:drafts:a:latest").await;
    assert!((540..=600).contains(&draft), "{draft}");
}

/// `schema` (zod), `ZodError`
#[tokio::test]
async fn a_document_that_breaks_a_rule_is_refused_with_an_error_of_its_own() {
    let (server, repo) = start().await;
    let wrong = Text { name: String::new(), content: "one".into() };
    let error = repo.texts.create(wrong).await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!(error.violations()[0].path, "name");
    assert!(error.violations()[0].to_string().contains("a text has a name"), "{error}");
    assert!(!server.keys().await.iter().any(|key| key.ends_with(":latest")));
    let error = repo.texts.update("gone", Text::patch().content("x")).await.unwrap_err();
    assert!(!error.is_validation() && error.is_not_found(), "{error}");
}

/// `create(data)`
#[tokio::test]
async fn creating_makes_an_id_and_version_1() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    assert_eq!((item.version, &item.data), (1, &text("one")));
    assert!(!item.id.as_str().is_empty());
    assert_ne!(item.id, repo.texts.create(text("one")).await.unwrap().id);
}

/// `update(id, data)`
#[tokio::test]
async fn updating_takes_part_of_a_document_and_adds_a_version() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let by_id = repo.texts.update(&item.id, Text::patch().content("two")).await.unwrap();
    assert_eq!((by_id.version, &by_id.data), (2, &text("two")));
    let by_item = repo.texts.update(&by_id, Text::patch().name("other")).await.unwrap();
    assert_eq!((by_item.version, by_item.data.content.as_str()), (3, "two"));
    let error = repo.texts.update(&item, Text::patch().content("late")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { expected: 1, actual: 3 }), "{error}");
}

/// `get(id)`, `get(id, {version})`, `getVersion`
#[tokio::test]
async fn the_latest_and_every_older_version_can_be_read() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.update(&item.id, Text::patch().content("two")).await.unwrap();
    assert_eq!(repo.texts.get(&item.id).await.unwrap().unwrap().data, text("two"));
    let first = repo.texts.get_version(&item.id, 1).await.unwrap().unwrap();
    assert_eq!((first.version, &first.data), (1, &text("one")));
    assert!(repo.texts.get("gone").await.unwrap().is_none());
    assert!(repo.texts.get_version(&item.id, 3).await.unwrap().is_none());
}

/// `listVersions(id)`
#[tokio::test]
async fn versions_are_listed() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    repo.texts.update(&item.id, Text::patch().content("two")).await.unwrap();
    let versions = repo.texts.versions(&item.id).await.unwrap();
    assert_eq!(versions.iter().map(|found| found.version).collect::<Vec<_>>(), [2, 1]);
}

/// `delete(id)`
#[tokio::test]
async fn deleting_removes_the_item_with_all_its_versions() {
    let (server, repo) = start().await;
    let item = repo.texts.create_with_id("a", text("one")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("two")).await.unwrap();
    repo.texts.item("a").wordcount().materialize().await.unwrap();
    repo.texts.item("a").summarize().enqueue().await.unwrap();
    assert!(repo.texts.delete("a").await.unwrap());
    assert!(!repo.texts.delete("a").await.unwrap());
    let mut left = server.keys().await;
    // Left are the catalog, the commit ids for two minutes, and a place in a queue that workers
    // skip.
    left.retain(|key| !key.starts_with("catalog") && !key.ends_with(":commits"));
    let parts = ["control", "jobs", "waiting"];
    assert_eq!(left, parts.map(|part| format!("queue:myapp:splitter:texts:summarize:{part}")));
    let queue = metastore::queue::Queue::new(&repo.texts, Text::SUMMARIZE);
    assert_eq!(queue.stats().await.unwrap().waiting, 0);
    assert!(queue.take(&metastore::queue::TakeOptions::new("w", 9)).await.unwrap().jobs.is_empty());
    assert_eq!(server.keys_of_jobs().await, [""; 0]);
}

/// `list({limit, offset})`
#[tokio::test]
async fn items_are_listed_by_limit_and_offset_and_by_cursor() {
    let (_server, repo) = start().await;
    for content in ["a", "b", "c", "d"] {
        repo.texts.create(text(content)).await.unwrap();
    }
    let contents = |items: &[Item<Text>]| -> String {
        items.iter().map(|item| item.data.content.as_str()).collect()
    };
    assert_eq!(contents(&repo.texts.list().limit(2).offset(1).await.unwrap()), "cb");
    let page = repo.texts.list().limit(3).page().await.unwrap();
    let rest = repo.texts.list().limit(3).after(&page.next.unwrap()).await.unwrap();
    assert_eq!((contents(&page.items), contents(&rest)), ("dcb".into(), "a".into()));
}

/// batch through `Promise.all`
#[tokio::test]
async fn many_items_at_once() {
    let (_server, repo) = start().await;
    let created = repo.texts.create_many((0..250).map(|n| text(&n.to_string()))).await;
    let ids: Vec<Id> = created.into_iter().map(|item| item.unwrap().id.clone()).collect();
    let read = repo.texts.get_many(&ids).await;
    assert!(
        read.iter().enumerate().all(|(n, item)| {
            matches!(item, Ok(Some(item)) if item.data.content == n.to_string())
        })
    );
    let patches = ids.iter().map(|id| (id.clone(), Text::patch().content("same")));
    for result in repo.texts.update_many(patches).await {
        assert_eq!(result.unwrap().version, 2);
    }
    for result in repo.texts.delete_many(ids.clone()).await {
        assert!(result.unwrap());
    }
    assert_eq!(repo.texts.count().await.unwrap(), 0);
}
