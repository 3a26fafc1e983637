//! One collection in the three shapes that its struct has had, as three programs know it.

use std::collections::BTreeMap;

use metastore::{Repo, Store};
use metastore_tests::{Reply, Server};

/// The first program: one name.
pub(crate) mod v1 {
    use metastore::Collection;
    use serde::{Deserialize, Serialize};
    use validator::Validate;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "people", object_type = texts)]
    #[transformation(praise -> String)]
    pub(crate) struct Person {
        #[index]
        pub(crate) name: String,
        pub(crate) number: u64,
    }
}

/// The second: the name in two parts.
pub(crate) mod v2 {
    use metastore::Collection;
    use serde::{Deserialize, Serialize};
    use serde_json::{Map, Value};
    use validator::Validate;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "people", object_type = texts)]
    #[collection(schema = 2)]
    #[upgrade(1 -> 2, with = split_name)]
    #[transformation(praise -> String)]
    pub(crate) struct Person {
        pub(crate) first: String,
        pub(crate) last: String,
        pub(crate) number: u64,
    }

    pub(crate) fn split_name(person: &mut Map<String, Value>) -> Result<(), String> {
        let name = person.remove("name").ok_or("there is no name")?;
        let name = name.as_str().ok_or("the name is no text")?;
        assert_ne!(name, "panic", "what a strange name");
        let (first, last) = name.split_once(' ').ok_or("there is only one name")?;
        person.insert("first".into(), first.into());
        person.insert("last".into(), last.into());
        Ok(())
    }
}

/// The third: the last name is renamed and has a rule, and a language is added.
pub(crate) mod v3 {
    use metastore::Collection;
    use serde::{Deserialize, Serialize};
    use serde_json::{Map, Value};
    use validator::Validate;

    use super::v2::split_name;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "people", object_type = texts)]
    #[collection(schema = 3)]
    #[upgrade(1 -> 2, with = split_name)]
    #[upgrade(2 -> 3, with = Self::rename_last)]
    #[mutation(greeting -> String)]
    #[transformation(praise -> String)]
    pub(crate) struct Person {
        pub(crate) first: String,
        #[validate(length(max = 20))]
        pub(crate) family: String,
        pub(crate) number: u64,
        #[index]
        pub(crate) language: String,
    }

    impl Person {
        fn rename_last(person: &mut Map<String, Value>) -> Result<(), std::fmt::Error> {
            let last = person.remove("last").unwrap_or_default();
            person.insert("family".into(), last);
            person.insert("language".into(), "en".into());
            Ok(())
        }

        fn greeting(&self) -> String {
            format!("Hello {} {}", self.first, self.family)
        }
    }
}

/// The collection as each of the programs opens it.
pub(crate) struct Programs {
    pub(crate) first: Repo<v1::Person>,
    pub(crate) second: Repo<v2::Person>,
    pub(crate) third: Repo<v3::Person>,
}

/// A server of its own, and the three programs on it.
pub(crate) async fn start() -> (Server, Programs) {
    let server = Server::start().await;
    let store = Store::options().audit(true).connect(server.url()).await.unwrap();
    let programs = Programs { first: store.repo(), second: store.repo(), third: store.repo() };
    (server, programs)
}

pub(crate) fn ada() -> v1::Person {
    v1::Person { name: "Ada Lovelace".into(), number: u64::MAX }
}

pub(crate) fn named(name: &str) -> v1::Person {
    v1::Person { name: name.into(), number: 1 }
}

/// The content and deadline of all keys of a server.
pub(crate) async fn everything(server: &Server) -> BTreeMap<String, (Vec<u8>, i64)> {
    let mut found = BTreeMap::new();
    for key in server.keys().await {
        let content = server.cli(&["DUMP", &key]).await;
        let Reply::Int(deadline) = server.cli(&["PEXPIRETIME", &key]).await else {
            panic!("{key} has no deadline to speak of")
        };
        found.insert(key, (content.as_bytes().to_vec(), deadline));
    }
    found
}
