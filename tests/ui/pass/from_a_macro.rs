// A definition may come out of `macro_rules`, with names, types and options put in.

macro_rules! collection {
    ($vis:vis $name:ident, $key:literal, $result:ty, { $($field:ident: $type:ty),* }) => {
        #[derive(
            Clone,
            serde::Serialize,
            serde::Deserialize,
            validator::Validate,
            metastore::Collection,
        )]
        #[collection(domain = "myapp", app = "textsplitter", name = $key, object_type = texts)]
        #[mutation(wordcount -> $result)]
        $vis struct $name {
            $($vis $field: $type,)*
            added: Option<Box<Self>>,
        }

        impl $name {
            fn wordcount(&self) -> $result {
                self.content.split_whitespace().count()
            }
        }
    };
}

mod texts {
    collection!(pub(crate) Text, "texts", usize, { content: String, language: Option<String> });
}

fn main() {
    use metastore::Collection as _;

    assert_eq!(texts::Text::SCHEMA.name, "texts");
    let _ = texts::Text::patch().content("new").language(None);
}
