//! The collection: a text, what can be computed from it, and where it lives.

use metastore::{Collection, Repo, Repository};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::split;

/// A text with its name and, once it is found out, its language.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts, ttl = none)]
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

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count()
    }

    fn textsplit(&self) -> Vec<String> {
        split::pieces(&self.content)
    }
}

/// What the worker makes of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The sentences that say most, in the order of the text.
    pub(crate) sentences: Vec<String>,
    /// How many words of prose they were chosen from.
    pub(crate) words: usize,
    /// The most frequent words that carry meaning.
    pub(crate) keywords: Vec<String>,
}

/// All collections of this program.
#[derive(Repository)]
pub(crate) struct MyRepo {
    pub(crate) texts: Repo<Text>,
}
