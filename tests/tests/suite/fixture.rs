//! The collections that the tests use, and a server with a store on it.

use std::time::Duration;

use metastore::{Collection, Repo, Repository, Store, StoreOptions};
use metastore_tests::{Proxy, Server};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// How long a condition may take that normally holds at once.
pub const SOON: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[mutation(textsplit -> Vec<String>)]
#[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
#[transformation(count -> u64)]
pub struct Text {
    #[validate(length(min = 1))]
    pub name: String,
    pub content: String,
    #[index]
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub sentences: Vec<String>,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }

    fn textsplit(&self) -> Vec<String> {
        self.content.split_whitespace().map(str::to_owned).collect()
    }
}

pub fn text(content: &str) -> Text {
    Text { name: "a name".to_owned(), content: content.to_owned(), language: None }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "login", name = "sessions", object_type = state, ttl = "1s")]
#[mutation(length -> usize)]
#[transformation(check -> bool)]
pub struct Session {
    pub user: String,
}

impl Session {
    fn length(&self) -> usize {
        self.user.len()
    }
}

pub fn session(user: &str) -> Session {
    Session { user: user.to_owned() }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "counting", name = "counters", object_type = config)]
pub struct Counter {
    pub count: u64,
}

#[derive(Clone, Repository)]
pub struct MyRepo {
    pub texts: Repo<Text>,
    pub sessions: Repo<Session>,
    pub counters: Repo<Counter>,
}

/// A server of its own and the collections on it.
pub async fn start() -> (Server, MyRepo) {
    start_with(Store::options()).await
}

pub async fn start_with(options: StoreOptions) -> (Server, MyRepo) {
    let server = Server::start().await;
    let store = options.connect(server.url()).await.expect("connects to its own server");
    (server, MyRepo::with_store(&store))
}

/// A server, a proxy before it, and the collections behind the proxy.
pub async fn start_proxied(options: StoreOptions) -> (Server, Proxy, MyRepo) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let store = options.connect(proxy.url()).await.expect("connects through the proxy");
    (server, proxy, MyRepo::with_store(&store))
}
