//! Every feature of the TypeScript system `defineRepo`, in the order of its documentation: each
//! test quotes the call there and makes the equivalent one here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use metastore::schema::ObjectType;
use metastore::{
    AuditOperation, Collection, Document as _, Dynamic, DynamicQuery, ErrorKind, Id, Item,
    JobState, Repo, Repository, Store,
};
use metastore_tests::Server;
use metastore_tests::wait::until;
use metastore_worker::{JobContext, Worker};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use crate::fixture::SOON;

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
    // Left are the catalog, the commit ids for two minutes, and an id in a queue that workers skip.
    left.retain(|key| !key.starts_with("catalog") && !key.ends_with(":commits"));
    assert_eq!(left, ["queue:myapp:splitter:texts:summarize:waiting"]);
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

/// `runMutation`, `materializeMutation`, `getMutation`
#[tokio::test]
async fn mutations_are_run_stored_and_read_back() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two")).await.unwrap();
    let of_item = || repo.texts.item(&item.id);
    assert_eq!(of_item().wordcount().run().await.unwrap(), 2);
    assert!(of_item().wordcount().cached().await.unwrap().is_none());
    assert_eq!(of_item().wordcount().materialize().await.unwrap(), 2);
    let cached = of_item().wordcount().cached().await.unwrap().unwrap();
    assert_eq!((cached.value, cached.source_version, cached.stale), (2, 1, false));
}

/// `runMutationBatch(id, [{name, fn}])`
#[tokio::test]
async fn several_mutations_and_closures_share_one_read() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two")).await.unwrap();
    let longest = |text: &Text| text.content.split(' ').map(str::len).max().unwrap_or(0);
    let (count, parts, longest) = repo
        .texts
        .item(&item.id)
        .evaluate_all((Text::WORDCOUNT, Text::SPLIT, longest))
        .await
        .unwrap();
    assert_eq!((count, parts, longest), (2, vec!["one".to_owned(), "two".to_owned()], 3));
}

/// `runTransformation` → job id
#[tokio::test]
async fn a_transformation_is_requested_and_returns_a_job() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert!(!job.id().is_empty());
    assert_eq!(job.status().await.unwrap().state, JobState::Queued);
    let again = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert_eq!(again.id(), job.id());
}

/// `getTransformation`, `getTransformationByName`
#[tokio::test]
async fn the_whole_status_of_a_job_and_its_result_alone_can_be_read() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two")).await.unwrap();
    let of_item = || repo.texts.item(&item.id).summarize();
    assert!(of_item().status().await.unwrap().is_none());
    assert!(of_item().result().await.unwrap().is_none());
    let job = of_item().enqueue().await.unwrap();
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    worker.run_until_idle().await.unwrap();
    let status = of_item().status().await.unwrap().unwrap();
    assert_eq!((status.state, status.job.as_str()), (JobState::Done, job.id()));
    assert_eq!((status.result_version, status.error), (Some(1), None));
    assert!(status.enqueued_at <= status.started_at && status.started_at <= status.finished_at);
    assert_eq!(status.result, Some(Summary { words: 2 }));
    assert_eq!(of_item().result().await.unwrap(), Some(Summary { words: 2 }));
}

/// transformation `mode`, `timeout`, `retries`
#[tokio::test]
async fn a_transformation_sets_its_mode_timeout_and_retries() {
    let (server, repo) = start().await;
    let schema = Text::SUMMARIZE.schema();
    assert_eq!((schema.timeout, schema.retries), (Some(Duration::from_secs(30)), Some(0)));
    let item = repo.texts.create(text("one")).await.unwrap();
    let shout = |item: Item<Text>| async move { Ok::<_, String>(item.data.content.to_uppercase()) };
    assert_eq!(repo.texts.item(&item.id).shout().run_with(shout).await.unwrap(), "ONE");
    assert!(!server.keys().await.iter().any(|key| key.starts_with("queue:")));
    // No retries: the first failure is the last one.
    let empty = repo.texts.create(text("")).await.unwrap();
    let job = repo.texts.item(&empty.id).summarize().enqueue().await.unwrap();
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    worker.run_until_idle().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.state, status.attempts), (JobState::Dead, 1));
    assert!(status.error.unwrap().contains("nothing to summarize"));
}

/// `createWorker(client, components, name, processor, config)`, `start`, `stop`
#[tokio::test]
async fn a_worker_starts_works_and_stops() {
    let (_server, repo) = start().await;
    let worker = Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize).build();
    let worker = worker.start().unwrap();
    let item = repo.texts.create(text("one two three")).await.unwrap();
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert_eq!(job.wait(SOON).await.unwrap(), Summary { words: 3 });
    assert_eq!(worker.stop().await.finished, 1);
    let job = repo.texts.item(&item.id).summarize().enqueue().await.unwrap();
    assert_eq!(job.status().await.unwrap().state, JobState::Queued, "nobody works any more");
}

/// worker config: concurrency, pollInterval, maxRetries, retryDelay
#[tokio::test]
async fn a_worker_has_the_four_settings_with_the_same_defaults() {
    let (_server, repo) = start().await;
    let builder = || Worker::builder(&repo.texts).handle(Text::SUMMARIZE, summarize);
    let settings = format!("{:?}", builder());
    for default in ["concurrency: 1,", "poll_interval: 1s,", "max_retries: 3,", "retry_delay: 5s,"]
    {
        assert!(settings.contains(default), "{default} in {settings}");
    }
    let own = builder()
        .concurrency(8)
        .poll_interval(Duration::from_millis(200))
        .max_retries(1)
        .retry_delay(Duration::from_millis(10));
    let settings = format!("{own:?}");
    for own in ["concurrency: 8,", "poll_interval: 200ms,", "max_retries: 1,", "retry_delay: 10ms,"]
    {
        assert!(settings.contains(own), "{own} in {settings}");
    }
    // They have the documented effect: one retry, after 10 ms.
    let item = repo.texts.create(Text { name: "a".into(), content: String::new() }).await.unwrap();
    let job = repo.texts.item(&item.id).count().enqueue().await.unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let fail = move |_: Item<Text>, _: JobContext| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err::<u64, _>("never") }
    };
    let worker = Worker::builder(&repo.texts)
        .handle(Text::COUNT, fail)
        .max_retries(1)
        .retry_delay(Duration::from_millis(10))
        .build()
        .start()
        .unwrap();
    until("it is given up", SOON, async || job.status().await.unwrap().state == JobState::Dead)
        .await;
    worker.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
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
