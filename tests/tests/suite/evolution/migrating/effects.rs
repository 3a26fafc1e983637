//! The effects of a migration on lifetimes, indexes, backfills and unique fields.

use metastore::{Collection, ErrorKind, Repo, Store};
use metastore_tests::{Reply, Server};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::{create, id};
use crate::evolution::people::{start, v3};

/// Lives for a day, in two shapes that look the same in JSON.
mod passing {
    use super::{Collection, Deserialize, Serialize, Validate};
    use serde_json::{Map, Value};

    pub(super) mod old {
        use super::{Collection, Deserialize, Serialize, Validate};

        #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
        #[collection(domain = "myapp", app = "evolution", name = "passing", object_type = state)]
        #[collection(ttl = "1d")]
        pub(in super::super) struct Passing {
            pub(in super::super) number: u64,
        }
    }

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "passing", object_type = state)]
    #[collection(ttl = "1d", schema = 2)]
    #[upgrade(1 -> 2, with = nothing)]
    pub(super) struct Passing {
        pub(super) number: u64,
    }

    const fn nothing(_: &mut Map<String, Value>) -> Result<(), std::convert::Infallible> {
        Ok(())
    }
}

#[tokio::test]
async fn a_migration_keeps_deadlines_and_rewrites_documents_that_look_the_same() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (old, new): (Repo<passing::old::Passing>, Repo<passing::Passing>) =
        (store.repo(), store.repo());
    old.create_with_id("a", passing::old::Passing { number: 7 }).await.unwrap();
    // Half of its time to live has passed.
    let (key, expiry) = (new.address().latest(&"a".parse().unwrap()), new.address().expiry());
    let deadline = (new.store().now().as_millis() + 43_200_000).to_string();
    server.cli(&["PEXPIREAT", &key, &deadline]).await;
    server.cli(&["ZADD", &expiry, &deadline, "a"]).await;

    let report = new.migrate().await.unwrap();
    assert_eq!((report.upgraded, report.skipped), (1, 0));
    let item = new.get("a").await.unwrap().unwrap();
    assert_eq!((item.version, item.schema, item.data.number), (2, 2, 7));
    let Reply::Int(now) = server.cli(&["PEXPIRETIME", &key]).await else { panic!("no deadline") };
    assert!((now - deadline.parse::<i64>().unwrap()).abs() < 1_000, "{now} and {deadline}");
    assert_eq!(server.cli(&["ZSCORE", &expiry, "a"]).await.as_str(), deadline);
    // An ordinary update restarts the time to live.
    new.update("a", passing::Passing::patch().number(8)).await.unwrap();
    let Reply::Int(later) = server.cli(&["PEXPIRETIME", &key]).await else { panic!("no deadline") };
    assert!(later > now + 40_000_000);
}

#[tokio::test]
async fn indexes_follow_the_shape() {
    let (server, programs) = start().await;
    create(&programs, 30).await;
    programs.third.update(&*id(7), v3::Person::patch().language("fr")).await.unwrap();
    let english = || programs.third.find(v3::Person::LANGUAGE.eq("en")).limit(100);
    // An index with one item of thirty is never used as complete.
    let error = english().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::IndexIncomplete { .. }), "{error}");
    programs.third.migrate().await.unwrap();
    assert_eq!(english().await.unwrap().len(), 29);
    let french = programs.third.find(v3::Person::LANGUAGE.eq("fr")).await.unwrap();
    assert_eq!(french.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), [id(7)]);
    // Nothing is left of fields that only the old shape had.
    assert!(!server.keys().await.iter().any(|key| key.ends_with(":by:name")));
    assert!(programs.third.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_backfill_sees_old_documents_in_the_current_shape() {
    let (server, programs) = start().await;
    create(&programs, 30).await;
    let report = programs.third.backfill().await.unwrap();
    assert_eq!((report.checked, report.failed), (30, 0));
    let english = programs.third.find(v3::Person::LANGUAGE.eq("en")).limit(100).await.unwrap();
    assert_eq!(english.len(), 30);
    assert_eq!((english[0].version, english[0].schema), (1, 1));
    let stored = server.get_string("myapp:evolution:people:person-0000:latest").await.unwrap();
    assert!(stored.contains(r#""name":"Number 0""#));
}

/// Accounts whose address became unique, and so lost its capital letters.
mod account {
    use super::{Collection, Deserialize, Serialize, Validate};
    use serde_json::{Map, Value};

    pub(super) mod old {
        use super::{Collection, Deserialize, Serialize, Validate};

        #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
        #[collection(domain = "myapp", app = "evolution", name = "accounts", object_type = settings)]
        pub(in super::super) struct Account {
            pub(in super::super) email: String,
        }
    }

    #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "accounts", object_type = settings)]
    #[collection(schema = 2)]
    #[upgrade(1 -> 2, with = lower)]
    pub(super) struct Account {
        #[unique]
        pub(super) email: String,
    }

    fn lower(account: &mut Map<String, Value>) -> Result<(), &'static str> {
        let email = account["email"].as_str().ok_or("no address")?.to_lowercase();
        account.insert("email".into(), email.into());
        Ok(())
    }
}

#[tokio::test]
async fn a_value_that_must_be_unique_from_now_on_fails_alone() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (old, new) = (store.repo::<account::old::Account>(), store.repo::<account::Account>());
    for (id, email) in [("one", "Ada@x.org"), ("two", "bob@x.org"), ("three", "ada@X.org")] {
        old.create_with_id(id, account::old::Account { email: email.into() }).await.unwrap();
    }
    let report = new.migrate().await.unwrap();
    assert_eq!((report.upgraded, report.failed), (2, 1));
    let failure = &report.failures[0];
    assert!(
        matches!(failure.error.kind(), ErrorKind::AlreadyExists { field: Some(field) } if field == "email"),
        "{}",
        failure.error
    );
    // The second of the two is unchanged.
    let item = old.get(&failure.id).await.unwrap().unwrap();
    assert_eq!((item.version, item.schema), (1, 1));
    new.update(&failure.id, account::Account::patch().email("ada2@x.org")).await.unwrap();
    assert!(new.verify().await.unwrap().is_clean());
    assert_eq!(
        new.get_by(account::Account::EMAIL, "ada2@x.org").await.unwrap().unwrap().id,
        failure.id
    );
}
