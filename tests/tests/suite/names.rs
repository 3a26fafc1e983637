//! Ids and actors of other systems: any text, which never forms a key of anything else.

use metastore::{Actor, Collection, EnqueueOptions, ErrorKind, Id, Store};
use metastore_tests::Server;
use uuid::Uuid;

use crate::fixture::{MyRepo, Text, start, start_with, text};

/// Names as identity providers, clouds and people use them.
const NAMES: [&str; 12] = [
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "us-east-1:1b2c3d4e-0000-4000-8000-000000000000",
    "o'brien@example.com",
    "user/42",
    "Zoë \u{1f600}",
    "a b  c ",
    "quoted \" and \\ and ,\"data\":{\"x\":1}",
    "line\nbreak\ttab\0zero",
    "myapp:textsplitter:texts:abc123:latest",
    "*?[a]{b}%s%1",
    "01arz3ndektsv4rrffq69g5fav",
    "abcdefghijklmnopqrstuvwxyz",
];

#[tokio::test]
async fn any_text_names_who_writes_and_whose_an_item_is() {
    let (_server, repo) = start_with(Store::options().audit(true)).await;
    let longest = "x".repeat(512);
    for name in NAMES.into_iter().chain([longest.as_str(), "\"\"\"\"", "\u{1}"]) {
        let theirs = repo.as_user(name).unwrap().texts;
        let actor = Actor::new(name).unwrap();
        let item = theirs.create(text("one")).await.unwrap();
        assert_eq!((&item.actor, &item.owner), (&Some(actor.clone()), &Some(actor.clone())));
        theirs.update(&item, Text::patch().content("two")).await.unwrap();
        theirs.item(&item.id).wordcount().materialize().await.unwrap();
        let read = repo.texts.get(&item.id).await.unwrap().unwrap();
        assert_eq!(
            (&read.actor, &read.owner),
            (&Some(actor.clone()), &Some(actor.clone())),
            "{name:?}"
        );
        assert_eq!(read.data.content, "two");

        // Found by the owner's name, page by page, and by no other name.
        theirs.create(text("another")).await.unwrap();
        let page = repo.texts.list().owned_by(name).limit(1).page().await.unwrap();
        let next = repo.texts.list().owned_by(name).limit(1).after(&page.next.unwrap());
        assert_eq!((page.items.len(), next.await.unwrap().len()), (1, 1), "{name:?}");
        let shorter = &name[..name.char_indices().last().unwrap().0];
        if !shorter.is_empty() {
            assert_eq!(repo.texts.list().owned_by(shorter).count().await.unwrap(), 0, "{name:?}");
        }

        // In the versions, and in the audit entries of each kind of write.
        let job = theirs.item(&item.id).count();
        let options = EnqueueOptions::new()
            .trace("00-trace of it")
            .delay(std::time::Duration::from_secs(600));
        job.enqueue_with(options).await.unwrap();
        theirs.delete(&item.id).await.unwrap();
        let versions = repo.texts.audit(&item.id).actor(name).await.unwrap();
        let operations: Vec<String> =
            versions.entries.iter().rev().map(|entry| entry.operation.to_string()).collect();
        assert_eq!(
            operations,
            ["create", "update", "materialize", "enqueue", "delete"],
            "{name:?}"
        );
    }
    let everybody = repo.texts.audit_feed().limit(1_000).await.unwrap();
    assert_eq!(everybody.entries.len(), 15 * 6);
    for wrong in [String::new(), "x".repeat(513), "\0".repeat(100)] {
        let error = repo.as_user(&wrong).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
        assert!(error.to_string().contains("1 to 512 bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_store_can_have_any_actor_up_to_a_length() {
    let server = Server::start().await;
    for name in NAMES {
        let store = Store::options().actor(name).connect(server.url()).await.unwrap();
        let item = MyRepo::with_store(&store).texts.create(text("one")).await.unwrap();
        assert_eq!(item.actor.as_ref().map(Actor::as_str), Some(name));
    }
    let refused = Store::options().actor("x".repeat(513)).connect(server.url()).await.unwrap_err();
    assert!(refused.to_string().contains("1 to 512 bytes"), "{refused}");
}

#[tokio::test]
async fn any_text_can_be_encoded_as_the_id_of_an_item() {
    let (server, repo) = start().await;
    for name in NAMES {
        let id = Id::encoded(name).unwrap();
        assert_eq!(id.decoded().as_deref(), Some(name));
        let item = repo.texts.create_with_id(&id, text(name)).await.unwrap();
        assert_eq!(item.id, id);
        repo.texts.update(&id, Text::patch().language("en")).await.unwrap();
        repo.texts.item(&id).wordcount().materialize().await.unwrap();
        let job = repo.texts.item(&id).summarize().enqueue().await.unwrap();
        assert!(!job.id().is_empty());
        let read = repo.texts.get(id.as_str()).await.unwrap().unwrap();
        assert_eq!((read.version, read.data.content.as_str()), (2, name));
    }
    let mut listed: Vec<String> = repo
        .texts
        .list()
        .limit(100)
        .await
        .unwrap()
        .iter()
        .map(|item| item.id.decoded().unwrap())
        .collect();
    listed.sort_unstable();
    let mut names = NAMES.map(str::to_owned).to_vec();
    names.sort_unstable();
    assert_eq!(listed, names);
    for name in NAMES {
        repo.texts.delete(Id::encoded(name).unwrap()).await.unwrap();
    }
    assert_eq!(repo.texts.count().await.unwrap(), 0);
    let left = server.cli(&["KEYS", "myapp:textsplitter:texts:*:latest"]).await;
    assert_eq!(format!("{left:?}"), "[]");
}

#[tokio::test]
async fn ids_can_be_numbers_uuids_and_owned_text() {
    let (_server, repo) = start().await;
    let uuid = Uuid::from_u128(0x1234);
    repo.texts.create_with_id(uuid, text("by uuid")).await.unwrap();
    repo.texts.create_with_id(42u64, text("by number")).await.unwrap();
    repo.texts.create_with_id("owned".to_owned(), text("by text")).await.unwrap();
    repo.texts.update(uuid, Text::patch().language("en")).await.unwrap();
    repo.texts.update(42u64, Text::patch().language("en")).await.unwrap();
    repo.texts.update("owned".to_owned(), Text::patch().language("en")).await.unwrap();
    repo.texts.modify(Id::new("owned").unwrap(), |text| text.name.push('!')).await.unwrap();
    assert_eq!(repo.texts.item(uuid).wordcount().run().await.unwrap(), 2);
    for id in ["42", "00000000-0000-0000-0000-000000001234", "owned"] {
        assert!(repo.texts.get(id).await.unwrap().unwrap().version > 1, "{id}");
    }
    assert!(repo.texts.get(&42i64).await.unwrap().is_some());
}
