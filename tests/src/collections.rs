//! The collections that the tests and their worker processes use.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// A text, as in the example of the README.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[mutation(textsplit -> Vec<String>)]
#[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
#[transformation(count -> u64)]
pub struct Text {
    /// The title.
    #[validate(length(min = 1))]
    pub name: String,
    /// The text itself.
    pub content: String,
    /// Its language, if it is known.
    #[index]
    pub language: Option<String>,
}

/// What `summarize` gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The sentences that say most.
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

/// A text with this content.
#[must_use]
pub fn text(content: &str) -> Text {
    Text { name: "a name".to_owned(), content: content.to_owned(), language: None }
}

/// A login that lives for a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "login", name = "sessions", object_type = state, ttl = "1s")]
#[mutation(length -> usize)]
#[transformation(check -> bool)]
pub struct Session {
    /// Who is logged in.
    pub user: String,
}

impl Session {
    fn length(&self) -> usize {
        self.user.len()
    }
}

/// A login of this user.
#[must_use]
pub fn session(user: &str) -> Session {
    Session { user: user.to_owned() }
}

/// A number to be counted up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "counting", name = "counters", object_type = config)]
pub struct Counter {
    /// The number.
    pub count: u64,
}

/// All of them.
#[derive(Clone, Debug, Repository)]
pub struct MyRepo {
    /// The texts.
    pub texts: Repo<Text>,
    /// The logins.
    pub sessions: Repo<Session>,
    /// The counters.
    pub counters: Repo<Counter>,
}
