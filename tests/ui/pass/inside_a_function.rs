// A collection and a repository may be local to a function or private to a module, and their types
// then stay there.

#![deny(warnings)]

fn main() {
    use metastore::{Collection, Repo, Repository};
    use serde::{Deserialize, Serialize};
    use validator::Validate;

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
    #[mutation(wordcount -> usize)]
    #[transformation(summarize -> String)]
    struct Text {
        content: String,
    }

    impl Text {
        fn wordcount(&self) -> usize {
            self.content.split_whitespace().count()
        }
    }

    #[derive(Repository)]
    struct MyRepo {
        texts: Repo<Text>,
    }

    let _ = |repo: MyRepo| repo.texts;
    let text = Text {
        content: "two words".to_owned(),
    };
    assert_eq!(Text::WORDCOUNT.apply(&text), 2);
    assert_eq!(inner::name(), "notes");
}

mod inner {
    use metastore::Collection;
    use serde::{Deserialize, Serialize};
    use validator::Validate;

    mod deeper {
        use super::{Collection, Deserialize, Serialize, Validate};

        #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
        #[collection(domain = "myapp", app = "textsplitter", name = "notes", object_type = texts)]
        pub(super) struct Note {
            pub(super) title: String,
            content: String,
        }
    }

    pub(crate) fn name() -> &'static str {
        let _ = deeper::Note::patch().title("visible here");
        deeper::Note::SCHEMA.name
    }
}
