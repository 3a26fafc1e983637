//! The document that every side stores: an article of about 300 bytes of JSON, with rules.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// An article of a blog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "bench", app = "blog", name = "articles", object_type = texts)]
#[transformation(digest -> u32)]
pub(crate) struct Article {
    #[validate(length(min = 1, max = 200))]
    pub(crate) title: String,
    #[validate(length(min = 1, max = 100))]
    pub(crate) author: String,
    pub(crate) language: Option<String>,
    #[validate(length(max = 16))]
    pub(crate) tags: Vec<String>,
    #[validate(range(max = 1_000_000_000))]
    pub(crate) views: u64,
    pub(crate) published: bool,
    #[validate(length(min = 1, max = 100_000))]
    pub(crate) content: String,
}

impl Article {
    /// Article number `number`. All have the same length, so that all runs send the same amount of
    /// data.
    pub(crate) fn sample(number: u64) -> Self {
        Self {
            title: format!("Notes on structured storage, part {:06}", number % 1_000_000),
            author: "Ada Lovelace".to_owned(),
            language: Some("en".to_owned()),
            tags: vec!["storage".to_owned(), "redis".to_owned(), "rust".to_owned()],
            views: 1_234,
            published: true,
            content: Self::content(0),
        }
    }

    /// The text of revision `number`, 0 for a new article. It has the same length as any other and
    /// differs from the previous one.
    pub(crate) fn content(number: u64) -> String {
        format!(
            "Revision {:06}. A document is read far more often than it is written, and most writes \
             change one field of it and leave the rest.",
            number % 1_000_000
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_article_is_valid_and_has_the_same_length() {
        let lengths: Vec<usize> = [0, 7, 999_999, 1_000_001, u64::MAX]
            .into_iter()
            .map(|number| {
                let article = Article::sample(number);
                assert_eq!(article.validate(), Ok(()));
                serde_json::to_vec(&article).expect("an article is plain JSON").len()
            })
            .collect();
        assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
        assert!((280..=320).contains(&lengths[0]), "{lengths:?}");
    }
}
