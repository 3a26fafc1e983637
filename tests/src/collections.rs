//! The collections that the tests and their worker processes use.

use metastore::{Collection, Indexable, Repo, Repository};
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

/// The result of `summarize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The most important sentences.
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

/// A counter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "counting", name = "counters", object_type = config)]
pub struct Counter {
    /// The number.
    pub count: u64,
}

/// All of the collections.
#[derive(Clone, Debug, Repository)]
pub struct MyRepo {
    /// The texts.
    pub texts: Repo<Text>,
    /// The logins.
    pub sessions: Repo<Session>,
    /// The counters.
    pub counters: Repo<Counter>,
    /// The orders.
    pub orders: Repo<Order>,
    /// The seats.
    pub seats: Repo<Seat>,
}

/// An order in a shop, with a field of each kind that can be indexed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
pub struct Order {
    /// The country of delivery, if it is known.
    #[index]
    pub country: Option<String>,
    /// Its state.
    #[index]
    pub state: OrderState,
    /// Its topics.
    #[index]
    pub tags: Vec<String>,
    /// The price in cents; negative for a refund.
    #[index(range)]
    pub total: i64,
    /// The weight.
    #[index(range)]
    #[serde(rename = "weight/kg")]
    pub weight: Option<f64>,
    /// When it was placed, as RFC 3339.
    #[index(range)]
    pub placed: String,
    /// Its number at the payment service.
    #[unique]
    pub payment: Option<String>,
}

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Indexable)]
#[serde(rename_all = "kebab-case")]
pub enum OrderState {
    /// It is new.
    New,
    /// It was sent.
    OnItsWay,
}

/// An order with this price.
#[must_use]
pub fn order(total: i64) -> Order {
    Order {
        country: None,
        state: OrderState::New,
        tags: Vec::new(),
        total,
        weight: None,
        placed: "2026-01-01T00:00:00Z".to_owned(),
        payment: None,
    }
}

/// A place on a waiting list, which expires after a quarter of a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "seats", object_type = state, ttl = "250ms")]
pub struct Seat {
    /// Its number.
    #[unique]
    pub number: u32,
    /// Its row.
    #[index]
    pub row: String,
}

/// A seat.
#[must_use]
pub fn seat(number: u32, row: &str) -> Seat {
    Seat { number, row: row.to_owned() }
}
