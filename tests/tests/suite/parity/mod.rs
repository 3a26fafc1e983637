//! Every feature of the TypeScript system `defineRepo`, in the order of its documentation: each
//! test quotes the call there and makes the equivalent one here.

mod derived;
mod documents;

use metastore::{
    AuditOperation, Collection, Dynamic, DynamicQuery, ErrorKind, Item, Repo, Repository, Store,
};
use metastore_tests::Server;
use metastore_worker::{JobContext, Worker};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "splitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[mutation(split -> Vec<String>)]
#[transformation(summarize -> Summary, mode = worker, timeout = "30s", retries = 0)]
#[transformation(count -> u64)]
#[transformation(shout -> String, mode = inline)]
struct Text {
    #[validate(length(min = 1, message = "a text has a name"))]
    name: String,
    content: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Summary {
    words: usize,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }

    fn split(&self) -> Vec<String> {
        self.content.split_whitespace().map(str::to_owned).collect()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "splitter", name = "flags", object_type = config)]
struct Flag {
    on: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "splitter", name = "preferences", object_type = settings)]
struct Preference {
    theme: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "splitter", name = "sessions", object_type = state)]
struct Session {
    user: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "splitter", name = "drafts", object_type = texts, ttl = "10m")]
struct Draft {
    text: String,
}

#[derive(Clone, Debug, Repository)]
struct MyRepo {
    texts: Repo<Text>,
    flags: Repo<Flag>,
    preferences: Repo<Preference>,
    sessions: Repo<Session>,
    drafts: Repo<Draft>,
}

fn text(content: &str) -> Text {
    Text { name: "a name".into(), content: content.into() }
}

async fn start() -> (Server, MyRepo) {
    let server = Server::start().await;
    let repo = MyRepo::connect(server.url()).await.unwrap();
    (server, repo)
}

async fn summarize(item: Item<Text>, _job: JobContext) -> Result<Summary, String> {
    match item.data.content.as_str() {
        "" => Err("nothing to summarize".into()),
        _ => Ok(Summary { words: item.data.wordcount() }),
    }
}

/// The remaining time of a key in seconds; -1 for no limit.
async fn left(server: &Server, key: &str) -> i64 {
    server.cli(&["TTL", key]).await.as_int()
}

/// server dynamic: `createItem(redis, config, "texts", data)`, `getItem`, `runMutation`
#[tokio::test]
async fn the_dynamic_api_works_by_name_and_over_json() {
    let (_server, repo) = start().await;
    let dynamic: Dynamic = repo.dynamic();
    let data = json!({"name": "a", "content": "one two"});
    let item = dynamic.create_item("texts", data.clone()).await.unwrap();
    assert_eq!(dynamic.get_item("texts", &item.id).await.unwrap().unwrap().data, data);
    assert_eq!(dynamic.run_mutation("texts", &item.id, "wordcount").await.unwrap(), 2);
    let job = dynamic.enqueue("texts", &item.id, "summarize").await.unwrap();
    let status = dynamic.job_status("texts", &item.id, "summarize").await.unwrap().unwrap();
    assert_eq!(status.job, job);
    let error = dynamic.create_item("texts", json!({"name": "", "content": ""})).await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    let error = dynamic.get_item("text", &item.id).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownName { .. }), "{error}");
}

/// `getAuditEntries`, `getAuditEntriesByOperation`
#[tokio::test]
async fn the_audit_is_read_by_item_and_by_operation() {
    let server = Server::start().await;
    let store = Store::options().audit(true).connect(server.url()).await.unwrap();
    let texts = MyRepo::with_store(&store).texts;
    let item = texts.create(text("one")).await.unwrap();
    texts.update(&item, Text::patch().content("two")).await.unwrap();
    texts.delete(&item.id).await.unwrap();
    let all = texts.audit(&item.id).await.unwrap().entries;
    let told: Vec<AuditOperation> = all.into_iter().map(|entry| entry.operation).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    let updates = texts.audit(&item.id).operation(AuditOperation::Update).await.unwrap().entries;
    assert_eq!((updates.len(), updates[0].version), (1, Some(2)));
}

/// `getCollectionStats`, `getCollectionItems`
#[tokio::test]
async fn a_collection_has_statistics_and_lists_its_ids() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let other = repo.texts.create(text("two")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("three")).await.unwrap();
    let stats = repo.texts.stats().await.unwrap();
    assert_eq!((stats.items, stats.versions.value), (2, 3));
    assert!(stats.bytes.total().value > 0);
    let ids = repo.texts.list().oldest_first().ids().await.unwrap();
    assert_eq!(ids.items, [item.id.clone(), other.id.clone()]);
}

/// indexes for users, apps, mutations, transformations
#[tokio::test]
async fn users_apps_mutations_and_transformations_lead_to_their_items() {
    let (_server, repo) = start().await;
    let store = repo.texts.store();
    let domains = store.domains().await.unwrap();
    assert_eq!(domains[0].as_str(), "myapp");
    let apps = store.apps(&domains[0]).await.unwrap();
    let found = store.collections(&domains[0], &apps[0]).await.unwrap();
    let texts = found.iter().find(|found| found.address == *repo.texts.address()).unwrap();
    assert_eq!((found.len(), texts.mutations.len(), texts.transformations.len()), (5, 2, 3));

    let theirs = repo.texts.as_user("u42").unwrap().create(text("one")).await.unwrap();
    let other = repo.texts.create(text("two")).await.unwrap();
    let of_user = repo.texts.list().owned_by("u42").ids().await.unwrap();
    assert_eq!(of_user.items, std::slice::from_ref(&theirs.id));
    repo.texts.item(&other.id).wordcount().materialize().await.unwrap();
    let counted = repo.texts.list().with_mutation(Text::WORDCOUNT).ids().await.unwrap();
    assert_eq!(counted.items, std::slice::from_ref(&other.id));
    repo.texts.item(&theirs.id).summarize().enqueue().await.unwrap();
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    worker.run_until_idle().await.unwrap();
    let selection = DynamicQuery::new().with_transformation("summarize");
    let summarized = repo.dynamic().find_ids("texts", &selection).await.unwrap();
    assert_eq!(summarized.items, std::slice::from_ref(&theirs.id));
}

/// A text as it is after a change of the struct.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "splitter", name = "texts", object_type = texts, schema = 2)]
#[upgrade(1 -> 2, with = add_words)]
struct NewText {
    name: String,
    content: String,
    words: usize,
}

fn add_words(document: &mut serde_json::Map<String, serde_json::Value>) -> Result<(), String> {
    let content = document.get("content").and_then(serde_json::Value::as_str);
    let words = content.ok_or("no content")?.split_whitespace().count();
    document.insert("words".into(), words.into());
    Ok(())
}

/// existing data coexists; schema evolution; migration tools
#[tokio::test]
async fn existing_data_stays_and_is_imported_and_migrated() {
    let (server, repo) = start().await;
    let old = json!({"name": "old", "content": "from before"}).to_string();
    server.cli(&["SET", "legacy:text:7", &old]).await;
    server.cli(&["SET", "somebody:elses", "data"]).await;
    let report = repo.texts.import("legacy:text:*").await.unwrap();
    assert_eq!(report.imported, 1, "{report:?}");
    let imported = repo.texts.list().await.unwrap().into_vec().remove(0);
    assert_eq!(imported.data.content, "from before");
    assert_eq!(server.get_string("legacy:text:7").await.as_deref(), Some(old.as_str()));
    assert_eq!(server.get_string("somebody:elses").await.as_deref(), Some("data"));

    let new: Repo<NewText> = repo.texts.store().repo();
    assert_eq!(new.get(&imported.id).await.unwrap().unwrap().data.words, 2);
    let report = new.migrate().await.unwrap();
    assert_eq!(report.upgraded, 1, "{report:?}");
    assert_eq!(new.get(&imported.id).await.unwrap().unwrap().version, 2);
    let first = new.get_version(&imported.id, 1).await.unwrap().unwrap();
    assert_eq!(first.data.words, 2);
}

/// examples: textsplitter, user management, document store
#[tokio::test]
async fn the_three_examples_are_programs_that_work() {
    // Each has a test of its own that runs it (`tests/textsplitter.rs`, …); here it must exist and
    // print its usage.
    for name in ["textsplitter", "user-management", "document-store"] {
        let program = metastore_tests::example::build(name, env!("CARGO_TARGET_TMPDIR"));
        let output =
            metastore_tests::example::run(tokio::process::Command::new(program).arg("--help"))
                .await;
        assert!(output.status.success(), "{name}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: "), "{name}");
    }
}
