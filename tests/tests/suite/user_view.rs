//! All calls as a user writes them, as in the README.

use std::time::Duration;

use metastore::{Collection, Item, Repo, Repository};
use metastore_tests::Server;
use metastore_worker::{JobContext, Worker};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[mutation(textsplit -> Vec<String>)]
#[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
pub(crate) struct Text {
    #[validate(length(min = 1))]
    pub(crate) name: String,
    pub(crate) content: String,
    #[index]
    pub(crate) language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary(String);

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }

    fn textsplit(&self) -> Vec<String> {
        self.content.split_whitespace().map(str::to_owned).collect()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "sessions", object_type = state)]
pub(crate) struct Session {
    user: String,
}

#[derive(Repository)]
pub(crate) struct MyRepo {
    pub(crate) texts: Repo<Text>,
    pub(crate) sessions: Repo<Session>,
}

async fn summarise(text: &Text, job: JobContext) -> Result<Summary, std::io::Error> {
    Ok(Summary(format!("{} (attempt {})", text.content, job.attempt)))
}

#[tokio::test]
async fn every_call_of_the_users_view_works_as_written() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start().await;
    let repo = MyRepo::connect(server.url()).await?;

    let text = Text { name: "a".into(), content: "one two".into(), language: Some("en".into()) };
    let item = repo.texts.create(text).await?;
    let id = item.id.clone();
    let item = repo.texts.update(&item, Text::patch().content("…")).await?;
    assert_eq!(item.version, 2);
    let item = repo.texts.update(&id, Text::patch().language(None)).await?;
    assert_eq!(item.data.language, None);
    let item = repo.texts.modify(&id, |text| text.content.push('!')).await?;
    assert_eq!((item.version, item.data.content.as_str()), (4, "…!"));
    let v1 = repo.texts.get_version(&id, 1).await?;
    assert_eq!(v1.map(|item: Item<Text>| item.into_data().content).as_deref(), Some("one two"));

    let words = repo.texts.item(&id).wordcount().run().await?;
    assert_eq!(words, 1usize);
    repo.texts.item(&id).wordcount().materialize().await?;
    let cached = repo.texts.item(&id).wordcount().cached().await?;
    assert_eq!(cached.map(|cached| cached.value), Some(1usize));
    let pieces = repo.texts.item(&id).textsplit().run().await?;
    assert_eq!(pieces, ["…!"]);

    let worker = Worker::builder(&repo.texts)
        .handle(
            Text::SUMMARIZE,
            |item: Item<Text>, job| async move { summarise(&item.data, job).await },
        )
        .concurrency(8)
        .build();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let working = tokio::spawn(worker.run_until(async {
        let _ = stopped.await;
    }));
    let job = repo.texts.item(&id).summarize().enqueue().await?;
    let summary = job.wait(Duration::from_secs(30)).await?;
    assert_eq!(summary, Summary("…! (attempt 1)".into()));
    let stored = repo.texts.item(&id).summarize().result().await?;
    assert_eq!(stored, Some(summary));
    drop(stop);
    assert_eq!(working.await??.finished, 1);

    let session = repo.sessions.create(Session { user: "ada".into() }).await?;
    let key = repo.sessions.address().latest(&session.id);
    let left = server.cli(&["PTTL", key.as_str()]).await.as_int();
    // The estimate of the server's time is accurate to half a round trip.
    assert!((3_590_000..=3_601_000).contains(&left), "{left} ms of an hour");
    Ok(())
}
