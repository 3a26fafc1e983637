// A public collection passes the strict lints of its crate.

#![deny(missing_docs, warnings, unsafe_code, unused)]
#![deny(missing_debug_implementations, single_use_lifetimes, unreachable_pub)]
#![deny(unused_qualifications, unused_results, variant_size_differences)]

//! A crate that denies what it can.

use serde::{Deserialize, Serialize};
use validator::Validate;

/// A text.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, metastore::Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[mutation(wordcount -> usize)]
#[transformation(summarize -> String, timeout = "30s", retries = 3)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// What it says it in.
    #[index]
    pub language: Option<String>,
    private: u8,
}

impl Text {
    fn wordcount(&self) -> usize {
        self.content.split_whitespace().count() + usize::from(self.private)
    }
}

/// Everything.
#[derive(Debug, metastore::Repository)]
pub struct MyRepo {
    /// The texts.
    pub texts: metastore::Repo<Text>,
}

// Nothing of these is used, and only the user's own part would be reported.
mod unused {
    use super::{Deserialize, Serialize, Validate};

    #[derive(Clone, Serialize, Deserialize, Validate, metastore::Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "notes", object_type = texts)]
    #[mutation(length -> usize)]
    #[transformation(summarize -> String)]
    pub(crate) struct Note {
        pub content: String,
        language: Option<String>,
    }

    impl Note {
        fn length(&self) -> usize {
            self.content.len()
        }
    }

    #[derive(metastore::Repository)]
    pub(crate) struct Notes {
        pub(crate) notes: metastore::Repo<Note>,
    }
}

fn main() {
    let _ = |repo: unused::Notes| repo.notes;
}
