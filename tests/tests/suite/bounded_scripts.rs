//! No script blocks the server for long, however many index entries items have and however large
//! they are.

use metastore::{Collection, Item, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{Text, start, start_proxied, start_with, text};

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "tagged", name = "notes", object_type = texts)]
struct Tagged {
    #[index]
    tags: Vec<String>,
    #[index(range)]
    size: u64,
    #[index]
    kind: String,
}

/// How many items, each with as many entries as an item can have: 4 MB of them altogether.
const ITEMS: u64 = 120;

/// The fewest script calls that visit all entries, at 128 KiB of entries per call plus the rest of
/// the last item.
const CALLS: u64 = 25;

async fn fill(repo: &Repo<Tagged>) {
    let tags: Vec<String> = (0..1_000).map(|tag| format!("a tag of some length {tag}")).collect();
    let note = |size| Tagged { tags: tags.clone(), size, kind: "note".into() };
    for created in repo.create_many((0..ITEMS).map(note)).chunk(10).await {
        created.unwrap();
    }
}

/// The script calls since the last reset.
async fn calls(server: &Server) -> u64 {
    let counts = server.command_counts().await;
    server.reset_command_counts().await;
    counts.get("evalsha").copied().unwrap_or(0)
}

#[tokio::test]
async fn no_walk_over_items_with_a_thousand_tags_is_one_long_script() {
    let (server, repo) = start().await;
    let notes = repo.texts.store().repo::<Tagged>();
    fill(&notes).await;
    // Other tests run at the same time, so this measures the work of a script and not its time.
    let kind = || Tagged::KIND.eq("note");
    let sized = || Tagged::SIZE.at_least(0u64);
    calls(&server).await;
    assert_eq!(notes.find(kind().and(sized())).count().await.unwrap(), ITEMS);
    let made = calls(&server).await;
    assert!(made >= CALLS, "counting by two conditions was {made} scripts");
    let tag = Tagged::TAGS.contains("a tag of some length 7");
    assert_eq!(notes.find(tag.and(sized())).limit(1000).ids().await.unwrap().items.len(), 120);
    let made = calls(&server).await;
    assert!(made >= CALLS, "finding by two conditions was {made} scripts");

    assert!(notes.verify().await.unwrap().is_clean());
    let made = calls(&server).await;
    assert!(made >= CALLS, "verify was {made} scripts");
    server.cli(&["DEL", "idx:myapp:tagged:notes:entries", "idx:myapp:tagged:notes:by:kind"]).await;
    calls(&server).await;
    assert_eq!(notes.repair().await.unwrap().wrong, ITEMS);
    let made = calls(&server).await;
    assert!(made >= CALLS, "repair was {made} scripts");
    assert!(notes.verify().await.unwrap().is_clean());

    // All of them are removed at once, as by an expiry.
    for key in server.keys().await {
        if key.ends_with(":latest") {
            server.cli(&["DEL", &key]).await;
        }
    }
    calls(&server).await;
    assert_eq!(notes.find(kind().and(sized())).count().await.unwrap(), 0);
    let made = calls(&server).await;
    assert!(made >= CALLS, "forgetting all was {made} scripts");
    notes.repair().await.unwrap();
    let left = server.keys().await;
    assert!(left.iter().all(|key| !key.starts_with("idx:")), "{left:?}");
}

#[tokio::test]
async fn a_page_of_large_documents_ends_after_64_mib_and_continues_by_its_cursor() {
    let (_server, repo) = start_with(Store::options()).await;
    let large = "x".repeat(8 * 1024 * 1024);
    for number in 0..12 {
        let id = format!("t{number:02}");
        repo.texts.create_with_id(id, text(&large)).await.unwrap();
    }
    let mut page = repo.texts.list().oldest_first().limit(100).page().await.unwrap();
    let mut sizes = vec![page.items.len()];
    while let Some(next) = page.next {
        page = repo.texts.list().oldest_first().limit(100).after(&next).page().await.unwrap();
        sizes.push(page.items.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 12);
    assert!(sizes.len() > 1 && sizes.iter().all(|size| (1..=9).contains(size)), "{sizes:?}");
    let error = repo.texts.list().limit(100).await.unwrap_err();
    assert!(error.to_string().contains("use `page()` or `stream()`"), "{error}");
    assert_eq!(repo.texts.list().limit(5).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_chunk_of_large_documents_is_read_by_replies_of_at_most_4_mib_and_a_document() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    let large = "x".repeat(1024 * 1024);
    let documents = (0..20).map(|number| text(if number < 10 { &large } else { "small" }));
    let created = repo.texts.create_many(documents).chunk(5).await;
    let ids: Vec<_> = created.into_iter().map(|item| item.unwrap().id.clone()).collect();
    // The server learns the script.
    repo.texts.get_many(&ids[..1]).await.pop().unwrap().unwrap();
    let sizes = |found: Vec<metastore::Result<Option<Item<Text>>>>| {
        found.into_iter().map(|item| item.unwrap().unwrap().data.content.len()).collect::<Vec<_>>()
    };

    // Four large documents exceed 4 MiB with their envelopes; small ones cost
    // no further round trip.
    calls(&server).await;
    proxy.reset_counts();
    let found = sizes(repo.texts.get_many(&ids).await);
    assert_eq!(found[..10], [large.len(); 10]);
    assert_eq!(found[10..], ["small".len(); 10]);
    assert_eq!((calls(&server).await, proxy.round_trips()), (3, 3));
    let bytes = proxy.bytes_down();
    assert!((10 << 20..11 << 20).contains(&bytes), "{bytes} bytes for 10 MiB");

    let lengths = repo.texts.evaluate_many(&ids, (|text: &Text| text.content.len(),)).await;
    assert!(lengths.into_iter().zip(&found).all(|(length, found)| length.unwrap().0 == *found));
    assert_eq!(calls(&server).await, 3);
    proxy.reset_counts();
    assert_eq!(sizes(repo.texts.get_many(&ids[10..]).await).len(), 10);
    assert_eq!((calls(&server).await, proxy.round_trips()), (1, 1));
}
