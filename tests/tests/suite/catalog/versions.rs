//! Several versions of a program with the same collection.

use metastore::{Collection, Repo, Repository, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::{MyRepo, mutations, texts, writes};
use crate::fixture::Log;

/// Another version of a service, which has one mutation more than the other.
mod later {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
    #[mutation(wordcount -> usize)]
    #[mutation(length -> usize)]
    pub(super) struct Text {
        content: String,
    }

    impl Text {
        fn wordcount(&self) -> usize {
            self.content.split_whitespace().count()
        }

        fn length(&self) -> usize {
            self.content.len()
        }
    }

    #[derive(Repository)]
    pub(super) struct MyRepo {
        pub(super) texts: Repo<Text>,
    }
}

/// A version whose documents have another shape.
mod newest {
    use serde_json::{Map, Value};

    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
    #[collection(schema = 2)]
    #[upgrade(1 -> 2, with = rename)]
    pub(super) struct Text {
        words: String,
    }

    fn rename(document: &mut Map<String, Value>) -> Result<(), String> {
        let content = document.remove("content").ok_or("no content")?;
        document.insert("words".to_owned(), content);
        Ok(())
    }

    #[derive(Repository)]
    pub(super) struct MyRepo {
        pub(super) texts: Repo<Text>,
    }
}

#[tokio::test]
async fn two_versions_of_a_service_do_not_overwrite_each_others_entry() {
    let server = Server::start().await;
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let store = repo.texts.store();
    assert_eq!(mutations(store).await, ["wordcount", "textsplit"]);

    let later = later::MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(mutations(store).await, ["wordcount", "length"]);
    server.reset_command_counts().await;
    for _ in 0..3 {
        MyRepo::connect(server.url()).await.unwrap();
        later::MyRepo::connect(server.url()).await.unwrap();
    }
    assert_eq!(mutations(store).await, ["wordcount", "length"]);
    assert_eq!(writes(&server).await, 0, "the two write over each other");

    // The definition that was rolled back is unregistered; the next service to connect registers
    // its own.
    assert!(store.unregister(later.texts.address()).await.unwrap());
    repo.texts.register().await.unwrap();
    assert_eq!(mutations(store).await, ["wordcount", "textsplit"]);
}

#[tokio::test]
async fn the_definition_with_the_highest_schema_number_stays() {
    let server = Server::start().await;
    let newest = newest::MyRepo::connect(server.url()).await.unwrap();
    let repo = MyRepo::connect(server.url()).await.unwrap();
    let store = repo.texts.store();
    later::MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap(), Some(newest.texts.descriptor()));

    assert!(store.unregister(&texts()).await.unwrap());
    repo.texts.register().await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap().unwrap().schema, 1);
    newest.texts.register().await.unwrap();
    assert_eq!(store.collection(&texts()).await.unwrap().unwrap().schema, 2);
}

#[tokio::test]
async fn two_shapes_with_one_schema_number_are_reported() {
    let server = Server::start().await;
    MyRepo::connect(server.url()).await.unwrap();
    let log = Log::default();
    let _guard = log.record();
    MyRepo::connect(server.url()).await.unwrap();
    newest::MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(log.text(), "");
    assert!(Store::connect(server.url()).await.unwrap().unregister(&texts()).await.unwrap());
    MyRepo::connect(server.url()).await.unwrap();
    // It has one field of the three.
    later::MyRepo::connect(server.url()).await.unwrap();
    let told = log.text();
    assert!(told.contains("two definitions of the document have the same schema number"), "{told}");
    assert!(told.contains("myapp:textsplitter:texts") && told.contains("WARN"), "{told}");
}

#[tokio::test]
async fn many_that_connect_at_once_make_one_catalog() {
    let server = Server::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let options = Store::options().domain(format!("tenant{}", n % 5));
        let url = server.url();
        tasks.spawn(async move {
            let store = options.connect(url).await.unwrap();
            MyRepo::with_store(&store).register().await.unwrap();
            later::MyRepo::with_store(&store).register().await.unwrap();
        });
    }
    tasks.join_all().await;
    let store = Store::connect(server.url()).await.unwrap();
    assert_eq!(store.domains().await.unwrap().len(), 5);
    for domain in store.domains().await.unwrap() {
        assert_eq!(store.apps(&domain).await.unwrap().len(), 3);
        let found = store.collections(&domain, "textsplitter").await.unwrap();
        assert_eq!(found[0].mutations[1].as_str(), "length");
    }
}
