//! Writing the audit: an entry exists exactly when its write does, and describes it.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Actor, AuditEntry, AuditOperation, AuditPage, Collection, ErrorKind, Store};
use metastore_tests::{Reply, Server, wait};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use validator::Validate;

use crate::fixture::{Counter, MyRepo, SOON, Summary, Text, session, start_with, text};

pub(crate) const FEED: &str = "stream:audit:myapp:textsplitter:texts";

/// A server, and its collections with the audit on, on behalf of `u42`.
pub(crate) async fn audited() -> (Server, MyRepo) {
    start_with(Store::options().audit(true).actor("u42")).await
}

/// The same collections on behalf of another user.
pub(crate) async fn in_the_name_of(server: &Server, actor: &str) -> MyRepo {
    let options = Store::options().audit(true).actor(actor);
    MyRepo::with_store(&options.connect(server.url()).await.unwrap())
}

fn one_job() -> TakeOptions {
    TakeOptions::new("w", 1)
}

/// An entry without the parts that differ between runs.
fn said(entry: &AuditEntry) -> String {
    let mut said = entry.operation.to_string();
    for (word, number) in [(" ", entry.version), (" from ", entry.from)] {
        if let Some(number) = number {
            said += &format!("{word}{number}");
        }
    }
    if !entry.changed.is_empty() {
        said += &format!(" changed {}", entry.changed.join(","));
    }
    for detail in [&entry.mutation, &entry.transformation, &entry.error].into_iter().flatten() {
        said += &format!(" {detail}");
    }
    said
}

pub(crate) fn all_said(page: &AuditPage) -> Vec<String> {
    page.entries.iter().map(said).collect()
}

#[tokio::test]
async fn each_operation_writes_one_entry_that_describes_it() {
    let (server, repo) = audited().await;
    let before = repo.texts.store().now();
    let texts = &repo.texts;
    let item = texts.create_with_id("abc123", text("one")).await.unwrap();
    let created = item.commit.clone();
    let item = texts.update(&item, Text::patch().content("two").language("en")).await.unwrap();
    let updated = item.commit.clone();
    texts.update_at("abc123", 2, Text::patch().name("b")).await.unwrap();
    texts.replace("abc123", text("three")).await.unwrap();
    texts.modify("abc123", |text| text.content.push('!')).await.unwrap();
    texts.revert("abc123", 2).await.unwrap();
    texts.item("abc123").wordcount().materialize().await.unwrap();

    let queue = Queue::new(texts, Text::SUMMARIZE);
    let summarize = || texts.item("abc123").summarize();
    let first = summarize().enqueue().await.unwrap();
    let claim = queue.take(&one_job()).await.unwrap().jobs.pop().unwrap().claim;
    queue.fail(&claim, "no luck", Some(Duration::ZERO)).await.unwrap();
    let claim = loop {
        if let Some(taken) = queue.take(&one_job()).await.unwrap().jobs.pop() {
            break taken.claim;
        }
    };
    queue.finish(&claim, &Summary { sentences: vec![] }).await.unwrap();
    let second = summarize().enqueue().await.unwrap();
    summarize().cancel().await.unwrap();
    summarize().retry().await.unwrap();
    texts.delete("abc123").await.unwrap();

    let expected = [
        "create 1",
        "update 2 from 1 changed content,language",
        "update 3 from 2 changed name",
        "update 4 from 3 changed content,language,name",
        "update 5 from 4 changed content",
        "revert 6 from 2 changed content,language",
        "materialize 6 wordcount",
        "enqueue 6 summarize",
        "fail 6 summarize no luck",
        "finish 6 summarize",
        "enqueue 6 summarize",
        // It has not run, so it has no version.
        "cancel summarize",
        "retry 6 summarize",
        "delete 6",
    ];
    let trail = texts.audit("abc123").oldest_first().await.unwrap();
    assert_eq!(all_said(&trail), expected);
    let feed = texts.audit_feed().await.unwrap();
    assert_eq!(all_said(&feed), expected);
    let newest = texts.audit("abc123").limit(2).await.unwrap();
    assert_eq!(all_said(&newest), ["delete 6", "retry 6 summarize"]);

    let now = texts.store().now().plus(Duration::from_secs(1));
    for entry in trail.entries.iter().chain(&feed.entries) {
        assert_eq!(entry.id.as_str(), "abc123");
        assert_eq!(entry.actor.as_ref().map(Actor::as_str), Some("u42"));
        assert!(before <= entry.at.plus(Duration::from_secs(1)) && entry.at <= now);
        assert_eq!((entry.commit.len(), entry.changed_others), (26, 0));
    }
    let commits: Vec<&str> = trail.entries.iter().map(|entry| &*entry.commit).collect();
    assert_eq!(commits[..2], [&created, &updated]);
    assert_eq!(commits[7..12], [first.id(), first.id(), first.id(), second.id(), second.id()]);
    assert!(!trail.more && !trail.gap && !feed.more && !feed.gap);
    // The item is deleted, and its trail remains.
    assert!(!repo.texts.exists("abc123").await.unwrap());
    assert_eq!(server.cli(&["XLEN", &format!("{FEED}:abc123")]).await.as_int(), 14);
}

#[tokio::test]
async fn creates_that_share_a_call_write_one_entry_each() {
    let (server, repo) = audited().await;
    let mut tasks = JoinSet::new();
    for n in 0..300u64 {
        let repo = repo.clone();
        tasks.spawn(async move {
            match n % 2 {
                0 => repo.texts.create(text("x")).await.unwrap().commit.clone(),
                _ => repo.counters.create(Counter { count: n }).await.unwrap().commit.clone(),
            }
        });
    }
    let mut created = tasks.join_all().await;
    created.sort();
    let texts = repo.texts.audit_feed().limit(1_000).await.unwrap();
    let counters = repo.counters.audit_feed().limit(1_000).await.unwrap();
    assert_eq!((texts.entries.len(), counters.entries.len()), (150, 150));
    let mut told = Vec::new();
    for entry in texts.entries.into_iter().chain(counters.entries) {
        assert_eq!((entry.operation, entry.version), (AuditOperation::Create, Some(1)));
        told.push(entry.commit);
    }
    told.sort();
    assert_eq!(told, created);
    // Without the copy a new stream takes more than 4 KiB.
    for key in server.keys().await.iter().filter(|key| key.starts_with("stream:") && key.len() > 60)
    {
        let bytes = server.cli(&["MEMORY", "USAGE", key.as_str()]).await.as_int();
        assert!(bytes < 1_024, "{key} takes {bytes} bytes");
    }
    assert!(!server.keys().await.iter().any(|key| key.starts_with("metastore:scratch")));
}

#[tokio::test]
async fn batches_write_one_entry_for_each_item() {
    let (_server, repo) = audited().await;
    let as_ada = repo.texts.as_user("ada").unwrap();
    let texts = (0..250).map(|n| text(&n.to_string()));
    let items = as_ada.create_many(texts).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    let patches = items.iter().map(|item| (item.id.clone(), Text::patch().content("new")));
    repo.texts.update_many(patches).await.into_iter().for_each(|updated| {
        updated.unwrap();
    });
    let ids = items.iter().map(|item| item.id.clone());
    repo.texts.delete_many(ids).await.into_iter().for_each(|deleted| {
        assert!(deleted.unwrap());
    });
    for item in &items {
        let trail = repo.texts.audit(&item.id).oldest_first().await.unwrap();
        let expected = ["create 1", "update 2 from 1 changed content", "delete 2"];
        assert_eq!(all_said(&trail), expected);
        let actors: Vec<_> =
            trail.entries.iter().map(|entry| entry.actor.as_ref().map(Actor::as_str)).collect();
        assert_eq!(actors, [Some("ada"), Some("u42"), Some("u42")]);
    }
    let feed = repo.texts.audit_feed().limit(1_000).await.unwrap();
    assert_eq!(feed.entries.len(), 750);
}

#[tokio::test]
async fn a_write_that_is_refused_or_changes_nothing_writes_no_entry() {
    let (server, repo) = audited().await;
    let texts = &repo.texts;
    let item = texts.create_with_id("abc123", text("one")).await.unwrap();
    let stale = item.clone();
    texts.update(&item, Text::patch().content("two")).await.unwrap();
    texts.item("abc123").summarize().enqueue().await.unwrap();
    let queue = Queue::new(texts, Text::SUMMARIZE);
    let claim = queue.take(&one_job()).await.unwrap().jobs.pop().unwrap().claim;
    texts.item("abc123").summarize().cancel().await.unwrap();
    let job = texts.item("abc123").count().enqueue().await.unwrap();
    let told = all_said(&texts.audit_feed().await.unwrap());
    assert_eq!(told.len(), 5);

    assert!(texts.create_with_id("abc123", text("again")).await.is_err());
    assert!(texts.create(Text { name: String::new(), ..text("x") }).await.is_err());
    assert!(texts.update("abc123", Text::patch().name("")).await.unwrap_err().is_validation());
    assert!(texts.update(&stale, Text::patch().content("x")).await.unwrap_err().is_conflict());
    assert!(texts.update("missing", Text::patch().content("x")).await.unwrap_err().is_not_found());
    assert!(texts.item(&stale).wordcount().materialize().await.is_ok());
    assert!(texts.item("missing").summarize().enqueue().await.unwrap_err().is_not_found());
    assert!(texts.modify("abc123", |_| {}).await.unwrap().unchanged);
    assert!(!texts.delete("missing").await.unwrap());
    assert!(!texts.item("abc123").summarize().cancel().await.unwrap());
    assert!(!queue.finish(&claim, &Summary { sentences: vec![] }).await.unwrap());
    assert!(!queue.fail(&claim, "late", None).await.unwrap());
    assert_eq!(texts.item("abc123").count().enqueue().await.unwrap().id(), job.id());
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    assert!(texts.create(text("full")).await.is_err());
    assert!(texts.create_with_id("full", text("full")).await.is_err());
    assert!(texts.update("abc123", Text::patch().content("full")).await.is_err());
    assert!(texts.item("abc123").wordcount().materialize().await.is_err());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;

    // The result of version 1 was stored: an item in hand that is out of date is still a version.
    let expected: Vec<_> = told.into_iter().chain(["materialize 1 wordcount".to_owned()]).collect();
    assert_eq!(all_said(&texts.audit_feed().await.unwrap()), expected);
    let trail = texts.audit("abc123").oldest_first().await.unwrap();
    assert_eq!(all_said(&trail), expected);
    assert_eq!(texts.audit("missing").await.unwrap().entries, []);
    // An earlier version's result does not replace a later one's, so nothing is written.
    texts.item("abc123").wordcount().materialize().await.unwrap();
    texts.item(&stale).wordcount().materialize().await.unwrap();
    let trail = texts.audit("abc123").operation("materialize").await.unwrap();
    assert_eq!(all_said(&trail), ["materialize 2 wordcount", "materialize 1 wordcount"]);
}

#[tokio::test]
async fn a_job_that_dies_with_its_worker_is_audited() {
    let (_server, repo) = audited().await;
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.item("abc123").summarize().enqueue().await.unwrap();
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let options = one_job().lease(Duration::from_millis(1)).max_crashes(2);
    wait::until("the job to die", SOON, async || {
        queue.take(&options).await.unwrap();
        queue.stats().await.unwrap().dead == 1
    })
    .await;
    let told = all_said(&repo.texts.audit("abc123").await.unwrap());
    assert!(told[0].starts_with("fail 1 summarize the worker stopped or froze"), "{told:?}");
    assert_eq!(told[1..], ["enqueue 1 summarize", "create 1"]);
    assert_eq!(all_said(&repo.texts.audit_feed().newest_first().await.unwrap()), told);
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "audits", name = "always", object_type = config, audit = on)]
struct Always {
    value: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "audits", name = "never", object_type = config, audit = off)]
struct Never {
    value: u64,
}

#[tokio::test]
async fn the_setting_of_a_collection_overrides_the_store() {
    let server = Server::start().await;
    for on in [true, false] {
        server.cli(&["FLUSHALL"]).await;
        let store = Store::options().audit(on).connect(server.url()).await.unwrap();
        let (always, never) = (store.repo::<Always>(), store.repo::<Never>());
        let other = store.repo::<Counter>();
        always.create_with_id("a", Always { value: 1 }).await.unwrap();
        always.create(Always { value: 1 }).await.unwrap();
        always.modify("a", |always| always.value = 2).await.unwrap();
        never.create_with_id("a", Never { value: 1 }).await.unwrap();
        never.create(Never { value: 1 }).await.unwrap();
        never.modify("a", |never| never.value = 2).await.unwrap();
        never.delete("a").await.unwrap();
        other.create(Counter { count: 1 }).await.unwrap();
        let entries = always.audit_feed().await.unwrap().entries.len();
        assert_eq!((entries, always.audit("a").await.unwrap().entries.len()), (3, 2));
        assert_eq!(never.audit_feed().await.unwrap().entries, []);
        assert_eq!(other.audit_feed().await.unwrap().entries.len(), usize::from(on));
        let keys = server.keys().await;
        assert!(!keys.iter().any(|key| key.starts_with("stream:") && key.contains("never")));
    }
}

#[tokio::test]
async fn the_trail_of_an_expired_item_expires_later() {
    let options = Store::options().audit(true).audit_trail_grace(Duration::from_millis(1_500));
    let (server, repo) = start_with(options).await;
    let mut ids = Vec::new();
    for n in 0..20 {
        let item = match n % 2 {
            0 => repo.sessions.create(session("ada")).await.unwrap(),
            _ => repo.sessions.create_with_id(format!("s{n}"), session("ada")).await.unwrap(),
        };
        let item = repo.sessions.modify(&item, |session| session.user.push('!')).await.unwrap();
        ids.push(item.id.clone());
    }
    let trails = async || {
        let keys = server.keys().await;
        keys.iter()
            .filter(|key| key.starts_with("stream:") && key.matches(':').count() == 5)
            .count()
    };
    wait::until("the items to expire", SOON, async || {
        repo.sessions.get(ids.last().unwrap()).await.unwrap().is_none()
    })
    .await;
    // The trail outlives the item for a while; afterwards only the feed has the entries.
    assert_eq!(repo.sessions.audit(ids.last().unwrap()).await.unwrap().entries.len(), 2);
    wait::until("the trails to expire", SOON, async || trails().await == 0).await;
    assert_eq!(repo.sessions.audit(&ids[0]).await.unwrap().entries, []);
    assert_eq!(repo.sessions.audit_feed().await.unwrap().entries.len(), 40);
    // A trail of an item without a time to live stays, also when the item is deleted.
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.delete("abc123").await.unwrap();
    let left = server.cli(&["PTTL", &format!("{FEED}:abc123")]).await;
    assert_eq!(left, Reply::Int(-1));
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "audits", name = "open", object_type = config, audit = on)]
struct Open {
    #[serde(flatten)]
    fields: BTreeMap<String, serde_json::Value>,
}

#[tokio::test]
async fn names_of_changed_fields_are_exact_and_bounded_and_no_value_is_recorded() {
    let (server, repo) = audited().await;
    let open = repo.texts.store().repo::<Open>();
    let secret = "do not tell";
    let names = ["a b", "\"],7", "\0\n", "", "ü🦀", "op", "commit"];
    let fields = names.map(|name| (name.to_owned(), secret.into()));
    let item = open.create_with_id("a", Open { fields: BTreeMap::new() }).await.unwrap();
    let item = open.replace(&item, Open { fields: fields.into() }).await.unwrap();
    let entry = open.audit("a").limit(1).await.unwrap().entries.remove(0);
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(entry.changed, sorted);
    assert_eq!((entry.operation, entry.changed_others), (AuditOperation::Update, 0));

    let many = (0..5_000).map(|n| (format!("field{n:04}"), n.into())).collect();
    open.replace(&item, Open { fields: many }).await.unwrap();
    let entry = open.audit("a").limit(1).await.unwrap().entries.remove(0);
    assert!(
        entry.changed.len() > 50 && entry.changed.iter().map(String::len).sum::<usize>() <= 1_024
    );
    assert_eq!(entry.changed.len() as u64 + entry.changed_others, 5_007);

    let stream = server.cli(&["XRANGE", "stream:audit:myapp:audits:open:a", "-", "+"]).await;
    assert!(!format!("{stream:?}").contains(secret));
}

#[tokio::test]
async fn a_feed_of_another_type_refuses_each_write_whole() {
    let (server, repo) = audited().await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    repo.texts.item("abc123").summarize().enqueue().await.unwrap();
    let queue = Queue::new(&repo.texts, Text::SUMMARIZE);
    let claim = queue.take(&one_job()).await.unwrap().jobs.pop().unwrap().claim;
    server.cli(&["DEL", FEED]).await;
    server.cli(&["SET", FEED, "foreign"]).await;
    let dump = async || {
        let mut all = BTreeMap::new();
        for key in server.keys().await {
            all.insert(key.clone(), server.cli(&["DUMP", key.as_str()]).await);
        }
        all
    };
    let before = dump().await;
    let texts = &repo.texts;
    let errors = [
        texts.create(text("two")).await.unwrap_err(),
        texts.create_with_id("two", text("two")).await.unwrap_err(),
        texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        texts.item(&item).wordcount().materialize().await.unwrap_err(),
        texts.item("abc123").count().enqueue().await.unwrap_err(),
        texts.item("abc123").summarize().cancel().await.unwrap_err(),
        queue.finish(&claim, &Summary { sentences: vec![] }).await.unwrap_err(),
        queue.fail(&claim, "no luck", None).await.unwrap_err(),
        texts.delete("abc123").await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    }
    assert_eq!(dump().await, before);
}

#[tokio::test]
async fn no_entry_is_lost_or_doubled_when_the_server_loses_its_scripts() {
    let (server, repo) = audited().await;
    for round in 0..4 {
        let mut tasks = JoinSet::new();
        for n in 0..50 {
            let texts = repo.texts.clone();
            tasks.spawn(async move { texts.create(text(&n.to_string())).await.unwrap() });
        }
        server.cli(&["SCRIPT", "FLUSH"]).await;
        tasks.join_all().await;
        server.cli(&["SCRIPT", "FLUSH"]).await;
        let feed = server.cli(&["XLEN", FEED]).await.as_int();
        assert_eq!(feed, 50 * (round + 1));
    }
    for item in repo.texts.list().limit(1_000).await.unwrap() {
        assert_eq!(all_said(&repo.texts.audit(&item.id).await.unwrap()), ["create 1"]);
    }
}
