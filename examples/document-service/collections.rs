//! What is served. Nothing else in this program knows these types.

use metastore::{Collection, Item, Repo, Repository};
use metastore_worker::JobContext;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// All collections.
#[derive(Repository)]
pub(crate) struct Documents {
    pub(crate) articles: Repo<Article>,
    pub(crate) authors: Repo<Author>,
}

/// An article.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "service", name = "articles", object_type = texts, ttl = none, keep = 100)]
#[mutation(words -> usize)]
#[transformation(outline -> Vec<String>, timeout = "10s")]
pub(crate) struct Article {
    #[validate(length(min = 1, max = 200))]
    title: String,
    body: String,
    #[index]
    topic: Option<String>,
    #[index]
    #[serde(default)]
    tags: Vec<String>,
    #[index(range)]
    #[serde(default)]
    #[validate(range(max = 5))]
    stars: u8,
}

/// An author, with a unique e-mail address.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "service", name = "authors", object_type = config, ttl = none)]
pub(crate) struct Author {
    #[validate(length(min = 1))]
    name: String,
    #[unique]
    #[validate(email)]
    email: String,
}

impl Article {
    fn words(&self) -> usize {
        self.body.split_whitespace().count()
    }
}

/// The headings of an article.
pub(crate) async fn outline(
    article: Item<Article>,
    _job: JobContext,
) -> Result<Vec<String>, std::convert::Infallible> {
    let headings = article.data.body.lines().filter(|line| line.starts_with('#'));
    Ok(headings.map(|heading| heading.trim_start_matches('#').trim().to_owned()).collect())
}
