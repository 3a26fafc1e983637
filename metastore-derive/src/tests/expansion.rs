//! Expansions as a user would read them. A change here is a change of what every user compiles.

use insta::Settings;
use syn::parse_quote;

use super::{collection, repository};

fn snapshot(name: &str, expansion: &str) {
    let mut settings = Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, expansion));
}

#[test]
fn a_collection() {
    snapshot(
        "a_collection",
        &collection(parse_quote! {
            #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
            #[mutation(wordcount -> usize)]
            #[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
            pub struct Text {
                pub name: String,
                #[index]
                pub language: Option<String>,
            }
        }),
    );
}

#[test]
fn every_option() {
    let expansion = collection(parse_quote! {
        #[collection(domain = "myapp", app = "accounts")]
        #[collection(name = "sessions", object_type = state, ttl = "2w", ttl_on_update = keep)]
        #[collection(keep = 100, keep_for = "1d")]
        #[collection(audit = off)]
        #[collection(json_schema, crate = crate::reexport)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[mutation(r#match -> Vec<Self>)]
        #[transformation(refresh -> Option<Self>)]
        #[transformation(digest -> [u8; 32], retries = 0)]
        #[collection(schema = 3)]
        #[upgrade(1 -> 2, with = upgrades::hash_token)]
        #[upgrade(2 -> 3, with = Self::add_parent)]
        pub(crate) struct Session {
            #[index]
            pub token_hash: String,
            #[index(range)]
            pub(super) r#type: u8,
            #[serde(rename = "parent-session")]
            parent: Option<Box<Self>>,
            #[serde(flatten)]
            pub extra: Extra,
            #[serde(skip)]
            pub cache: Cache,
        }
    });
    assert!(!expansion.contains("::metastore"), "the runtime is named by its path alone");
    snapshot("every_option", &expansion);
}

#[test]
fn no_fields() {
    snapshot(
        "no_fields",
        &collection(parse_quote! {
            #[collection(domain = "d", app = "a", name = "n", object_type = config, ttl = none)]
            struct Empty {}
        }),
    );
}

#[test]
fn a_wrong_collection_falls_back() {
    snapshot(
        "a_wrong_collection_falls_back",
        &collection(parse_quote! {
            #[collection(domain = "idx", app = "textsplitter", object_type = texts)]
            #[mutation(wordcount)]
            #[mutation(length -> usize)]
            pub struct Text {
                #[index]
                #[index]
                pub name: String,
            }
        }),
    );
}

#[test]
fn a_wrong_shape_is_only_errors() {
    snapshot(
        "a_wrong_shape_is_only_errors",
        &collection(parse_quote! {
            #[collection(domain = "d", app = "a", name = "n", object_type = texts)]
            pub enum Text {}
        }),
    );
}

#[test]
fn a_repository() {
    snapshot(
        "a_repository",
        &repository(parse_quote! {
            pub struct MyRepo {
                pub texts: Repo<Text>,
                pub sessions: Repo<Session>,
            }
        }),
    );
}
