//! The settings of the audit, and which fields an entry names.

use std::collections::BTreeMap;

use metastore::{AuditOperation, Collection, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::audited;
use crate::fixture::Counter;

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "audits", name = "always", object_type = config, audit = on)]
struct Always {
    value: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "audits", name = "never", object_type = config, audit = off)]
struct Never {
    value: u64,
}

#[tokio::test]
async fn the_setting_of_a_collection_overrides_the_store() {
    let server = Server::start().await;
    for on in [true, false] {
        server.cli(&["FLUSHALL"]).await;
        let store = Store::options().audit(on).connect(server.url()).await.unwrap();
        let (always, never) = (store.repo::<Always>(), store.repo::<Never>());
        let other = store.repo::<Counter>();
        always.create_with_id("a", Always { value: 1 }).await.unwrap();
        always.create(Always { value: 1 }).await.unwrap();
        always.modify("a", |always| always.value = 2).await.unwrap();
        never.create_with_id("a", Never { value: 1 }).await.unwrap();
        never.create(Never { value: 1 }).await.unwrap();
        never.modify("a", |never| never.value = 2).await.unwrap();
        never.delete("a").await.unwrap();
        other.create(Counter { count: 1 }).await.unwrap();
        let entries = always.audit_feed().await.unwrap().entries.len();
        assert_eq!((entries, always.audit("a").await.unwrap().entries.len()), (3, 2));
        assert_eq!(never.audit_feed().await.unwrap().entries, []);
        assert_eq!(other.audit_feed().await.unwrap().entries.len(), usize::from(on));
        let keys = server.keys().await;
        assert!(!keys.iter().any(|key| key.starts_with("stream:") && key.contains("never")));
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "audits", name = "open", object_type = config, audit = on)]
struct Open {
    #[serde(flatten)]
    fields: BTreeMap<String, serde_json::Value>,
}

#[tokio::test]
async fn names_of_changed_fields_are_exact_and_bounded_and_no_value_is_recorded() {
    let (server, repo) = audited().await;
    let open = repo.texts.store().repo::<Open>();
    let secret = "do not tell";
    let names = ["a b", "\"],7", "\0\n", "", "ü🦀", "op", "commit"];
    let fields = names.map(|name| (name.to_owned(), secret.into()));
    let item = open.create_with_id("a", Open { fields: BTreeMap::new() }).await.unwrap();
    let item = open.replace(&item, Open { fields: fields.into() }).await.unwrap();
    let entry = open.audit("a").limit(1).await.unwrap().entries.remove(0);
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(entry.changed, sorted);
    assert_eq!((entry.operation, entry.changed_others), (AuditOperation::Update, 0));

    let many = (0..5_000).map(|n| (format!("field{n:04}"), n.into())).collect();
    open.replace(&item, Open { fields: many }).await.unwrap();
    let entry = open.audit("a").limit(1).await.unwrap().entries.remove(0);
    assert!(
        entry.changed.len() > 50 && entry.changed.iter().map(String::len).sum::<usize>() <= 1_024
    );
    assert_eq!(entry.changed.len() as u64 + entry.changed_others, 5_007);

    let stream = server.cli(&["XRANGE", "stream:audit:myapp:audits:open:a", "-", "+"]).await;
    assert!(!format!("{stream:?}").contains(secret));
}
