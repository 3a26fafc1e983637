//! A write is refused, and is delivered twice or late, or its reply is lost.

use std::fmt::Debug;

use metastore::ErrorKind;
use metastore_tests::histories::documents::{Document as _, Unique, Value};
use metastore_tests::{Cut, Fault};

use super::{HELD, Setting, check, document};

/// A write is refused, its obstacle is removed, and it is delivered a second time.
#[derive(Clone, Copy, Debug)]
enum Refused {
    Create,
    CreateWithTakenValue,
    UpdateToTakenValue,
    Delete,
    DeleteAt,
    DeleteAtNothing,
}

async fn refused(fault: Fault) {
    let setting = Setting::<Unique>::new().await;
    let (ours, others) = (&setting.ours, &setting.others);
    let named = |token: &str, name: &str| {
        let name = Some(name.to_owned());
        Unique::of(Value { token: token.to_owned(), count: 0, name })
    };
    let mut wrong = Vec::new();
    for refused in [
        Refused::Create,
        Refused::CreateWithTakenValue,
        Refused::UpdateToTakenValue,
        Refused::Delete,
        Refused::DeleteAt,
        Refused::DeleteAtNothing,
    ] {
        let id = format!("refused-{refused:?}").to_lowercase();
        let holder = format!("holder-{refused:?}").to_lowercase();
        let (token, name) = (format!("token-{id}"), format!("name-{id}"));
        let strike = |needle: &str| setting.proxy.strike_when(needle.as_bytes(), fault);
        match refused {
            Refused::Create => {
                others.create_with_id(&id, document("first")).await.unwrap();
                strike(&token);
                ours.create_with_id(&id, document(&token)).await.unwrap_err();
                others.delete(&id).await.unwrap();
            }
            Refused::CreateWithTakenValue => {
                others.create_with_id(&holder, named("first", &name)).await.unwrap();
                strike(&token);
                ours.create_with_id(&id, named(&token, &name)).await.unwrap_err();
                others.delete(&holder).await.unwrap();
            }
            Refused::UpdateToTakenValue => {
                others.create_with_id(&holder, named("first", &name)).await.unwrap();
                others.create_with_id(&id, document("first")).await.unwrap();
                strike(&token);
                let patch = Unique::set(&token, Some(Some(name)));
                ours.update(&id, patch).await.unwrap_err();
                others.delete(&holder).await.unwrap();
            }
            Refused::Delete => {
                strike(&format!("{id}:latest"));
                assert!(!ours.delete(&id).await.unwrap());
                others.create_with_id(&id, document("first")).await.unwrap();
            }
            Refused::DeleteAt => {
                others.create_with_id(&id, document("first")).await.unwrap();
                strike(&format!("{id}:latest"));
                ours.delete_at(&id, 2).await.unwrap_err();
                others.update(&id, Unique::set("second", None)).await.unwrap();
            }
            Refused::DeleteAtNothing => {
                strike(&format!("{id}:latest"));
                ours.delete_at(&id, 1).await.unwrap_err();
                others.create_with_id(&id, document("first")).await.unwrap();
            }
        }
        assert!(setting.proxy.fired(), "{refused:?}");
        let before = setting.state(&id).await;
        setting.proxy.deliver_held().await;
        check(&format!("{refused:?}"), &setting.state(&id).await, &before, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_refused_write_that_is_delivered_twice_stays_refused() {
    refused(Fault::Repeat(HELD)).await;
}

#[tokio::test]
async fn a_refused_write_whose_first_attempt_is_delivered_late_stays_refused() {
    refused(Fault::Late(HELD)).await;
}

#[tokio::test]
async fn a_refused_write_whose_reply_is_lost_still_says_why() {
    let setting = Setting::<Unique>::new().await;
    let (ours, others, proxy) = (&setting.ours, &setting.others, &setting.proxy);
    let named = |token: &str| {
        Unique::of(Value { token: token.to_owned(), count: 0, name: Some("taken".to_owned()) })
    };
    others.create_with_id("holder", named("first")).await.unwrap();
    others.create_with_id("other", document("first")).await.unwrap();
    let before = others.count().await.unwrap();
    let is_taken = |error: metastore::Error| match error.kind() {
        ErrorKind::AlreadyExists { field } => assert_eq!(field.as_deref(), Some("name")),
        _ => panic!("{error}"),
    };
    let lose = |needle: &str| proxy.cut_when(needle.as_bytes(), Cut::ReplyAt(0));
    lose("created");
    is_taken(ours.create_with_id("new", named("created")).await.unwrap_err());
    assert!(proxy.fired());
    lose("generated");
    is_taken(ours.create(named("generated")).await.unwrap_err());
    assert!(proxy.fired());
    lose("updated");
    let patch = Unique::set("updated", Some(Some("taken".to_owned())));
    is_taken(ours.update("other", patch).await.unwrap_err());
    assert!(proxy.fired());
    lose("other:latest");
    let error = ours.delete_at("other", 2).await.unwrap_err();
    assert!(proxy.fired());
    match error.kind() {
        ErrorKind::Conflict { expected: 2, actual: 1 } => {}
        _ => panic!("{error}"),
    }
    assert_eq!(others.count().await.unwrap(), before);
}
