//! Finding items with a stored result of a mutation or a transformation.

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, Dynamic, DynamicQuery, ErrorKind, Id, Repo};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use crate::fixture::{SOON, Session, Summary, Text, session, start, text};
use metastore_tests::wait::until;

/// Runs all jobs that wait for a summary, without a worker.
async fn summarize_all(texts: &Repo<Text>) {
    let queue = Queue::new(texts, Text::SUMMARIZE);
    let options = TakeOptions::new("tester", 10);
    loop {
        let taken = queue.take(&options).await.unwrap().jobs;
        if taken.is_empty() {
            return;
        }
        for job in taken {
            assert!(queue.finish(&job.claim, &Summary { sentences: vec![] }).await.unwrap());
        }
    }
}

async fn texts_of(texts: &Repo<Text>, contents: &[&str]) -> Vec<Id> {
    let mut ids = Vec::new();
    for content in contents {
        ids.push(texts.create(text(content)).await.unwrap().id.clone());
    }
    ids
}

#[tokio::test]
async fn items_are_found_by_the_derived_values_that_they_have() {
    let (_server, repo) = start().await;
    let texts = &repo.texts;
    let ids = texts_of(texts, &["a", "b", "c", "d"]).await;
    // Stored in another order than created; lists are in the order of creation.
    for id in [&ids[2], &ids[0], &ids[3]] {
        texts.item(id).wordcount().materialize().await.unwrap();
    }
    for id in [&ids[3], &ids[1]] {
        texts.item(id).summarize().enqueue().await.unwrap();
    }
    let none = texts.list().with_transformation(Text::SUMMARIZE);
    assert_eq!(none.count().await.unwrap(), 0, "a job that waits is no result");
    summarize_all(texts).await;

    let counted = || texts.list().with_mutation(Text::WORDCOUNT);
    let found = |items: metastore::Items<Text>| -> Vec<String> {
        items.into_iter().map(|item| item.data.content.clone()).collect()
    };
    assert_eq!(found(counted().await.unwrap()), ["d", "c", "a"]);
    assert_eq!(found(counted().oldest_first().offset(1).await.unwrap()), ["c", "d"]);
    assert_eq!(counted().count().await.unwrap(), 3);
    let summarized = || texts.list().with_transformation(Text::SUMMARIZE);
    assert_eq!(found(summarized().await.unwrap()), ["d", "b"]);
    let both = counted().with_transformation(Text::SUMMARIZE);
    assert_eq!(both.ids().await.unwrap().items, [ids[3].clone()]);
    assert_eq!(texts.list().with_mutation(Text::TEXTSPLIT).count().await.unwrap(), 0);
    let spoken = texts.find(Text::LANGUAGE.is_none()).with_mutation(Text::WORDCOUNT);
    assert_eq!(found(spoken.oldest_first().await.unwrap()), ["a", "c", "d"]);

    // A result of an older version counts, one of a deleted item does not.
    texts.update(&ids[0], Text::patch().content("a2")).await.unwrap();
    texts.delete(&ids[3]).await.unwrap();
    assert_eq!(found(counted().await.unwrap()), ["c", "a2"]);
    assert_eq!(found(summarized().await.unwrap()), ["b"]);
    assert!(texts.verify().await.unwrap().is_clean());

    // The same by name.
    let dynamic = Dynamic::new().with(texts);
    let selection = DynamicQuery::new().with_mutation("wordcount").oldest_first();
    let page = dynamic.find_items("texts", &selection).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert_eq!(page.items[0].data["content"], "a2");
    let json = json!({"with_transformations": ["summarize"]});
    let selection = serde_json::from_value(json).unwrap();
    assert_eq!(dynamic.count_items("texts", &selection).await.unwrap(), 1);
    let wrong = DynamicQuery::new().with_mutation("wordcont");
    let error = dynamic.count_items("texts", &wrong).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownName { .. }), "{error}");
    assert!(error.to_string().contains("wordcount"), "{error}");
}

#[tokio::test]
async fn pages_of_them_stay_right_while_they_come_and_go() {
    let (_server, repo) = start().await;
    let texts = &repo.texts;
    let ids = texts_of(texts, &["a", "b", "c", "d", "e", "f"]).await;
    for id in &ids {
        texts.item(id).wordcount().materialize().await.unwrap();
    }
    let query = || texts.list().with_mutation(Text::WORDCOUNT).oldest_first().limit(2);
    let first = query().ids().await.unwrap();
    assert_eq!(first.items, ids[..2]);
    // The last item of the page is deleted, and one before it.
    texts.delete(&ids[0]).await.unwrap();
    texts.delete(&ids[1]).await.unwrap();
    let second = query().after(&first.next.unwrap()).ids().await.unwrap();
    assert_eq!(second.items, ids[2..4]);
    let cursor = second.next.unwrap();
    let last = query().after(&cursor).ids().await.unwrap();
    assert_eq!((last.items, last.next), (ids[4..].to_vec(), None));
    // A cursor of this query is refused by the plain list.
    let error = texts.list().oldest_first().after(&cursor).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "news", name = "headlines", object_type = texts)]
#[transformation(translate -> String, result_ttl = "200ms", mode = inline)]
#[transformation(rate -> u8, mode = inline)]
struct Headline {
    text: String,
}

#[tokio::test]
async fn a_result_that_has_expired_is_in_no_list_and_leaves_nothing_there() {
    let (server, repo) = start().await;
    let headlines: Repo<Headline> = repo.texts.store().repo();
    let item = headlines.create(Headline { text: "Rain".into() }).await.unwrap();
    let of_item = headlines.item(&item.id);
    let german = async |_: metastore::Item<Headline>| Ok::<_, std::io::Error>("Regen".to_owned());
    of_item.translate().run_with(german).await.unwrap();
    of_item.rate().run_with(async |_| Ok::<_, std::io::Error>(3)).await.unwrap();
    let translated = || headlines.list().with_transformation(Headline::TRANSLATE);
    assert_eq!(translated().count().await.unwrap(), 1);
    until("the result expires", SOON, async || translated().count().await.unwrap() == 0).await;
    assert!(translated().await.unwrap().is_empty());
    let key = "idx:myapp:news:headlines:transformation:translate";
    assert!(!server.keys().await.contains(&key.to_owned()));
    let rated = headlines.list().with_transformation(Headline::RATE);
    assert_eq!(rated.count().await.unwrap(), 1);
}

#[tokio::test]
async fn expired_items_are_taken_off_the_lists() {
    let (server, repo) = start().await;
    let session = repo.sessions.create(session("ada")).await.unwrap();
    repo.sessions.item(&session.id).length().materialize().await.unwrap();
    let measured = || repo.sessions.list().with_mutation(Session::LENGTH);
    assert_eq!(measured().count().await.unwrap(), 1);
    until("it expires", SOON, async || measured().count().await.unwrap() == 0).await;
    until("all is gone", SOON, async || server.keys().await.is_empty()).await;
}

#[tokio::test]
async fn a_list_that_has_drifted_is_reported_and_repaired() {
    let (server, repo) = start().await;
    let texts = &repo.texts;
    let ids = texts_of(texts, &["a", "b"]).await;
    texts.item(&ids[0]).wordcount().materialize().await.unwrap();
    let key = "idx:myapp:textsplitter:texts:mutation:wordcount";
    server.cli(&["DEL", key]).await;
    let report = texts.verify().await.unwrap();
    assert_eq!(report.wrong, 1, "{report:?}");
    assert_eq!(texts.repair().await.unwrap().wrong, 1);
    assert!(texts.verify().await.unwrap().is_clean());
    let found = texts.list().with_mutation(Text::WORDCOUNT).ids().await.unwrap();
    assert_eq!(found.items, [ids[0].clone()]);
}
