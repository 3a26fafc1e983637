//! A reply is lost, and other writers change the item before the caller asks.

use std::time::Duration;

use metastore::{ErrorKind, Repo, Store};
use metastore_tests::histories::documents::{Audited, Document, Plain, Unique};
use metastore_tests::{Cut, Proxy, Server, wait};

use super::{Setting, Write, check, document, expected, operations};
use crate::fixture::SOON;

async fn with_the_reply_lost<T: Document>() {
    let setting = Setting::<T>::new().await;
    let mut wrong = Vec::new();
    for write in Write::ALL {
        for (number, steps) in write.others().iter().enumerate() {
            let case = setting.case(write, &number.to_string()).await;
            let what = format!("{write:?} {steps:?}");
            setting.proxy.cut_when(case.needle.as_bytes(), Cut::ReplyAt(0));
            setting.proxy.refuse(true);
            let (answer, state) = tokio::join!(setting.write(write, &case), async {
                let id = setting.applied(write, &case).await;
                setting.others_do(&id, steps).await;
                let state = setting.state(&id).await;
                setting.proxy.refuse(false);
                (id, state)
            });
            let (id, before) = state;
            assert!(setting.proxy.fired(), "{what}");
            let version = if write.deletes() {
                0
            } else if write.creates() {
                1
            } else {
                3
            };
            match answer {
                Ok(answer) => check(&what, &answer, &(id.clone(), version), &mut wrong),
                Err(error) => wrong.push(format!("{what}: {error}")),
            }
            let after = setting.state(&id).await;
            if T::KIND != Plain::KIND {
                check(&what, &operations(&before.1), &expected(write, steps), &mut wrong);
            }
            check(&what, &after, &before, &mut wrong);
        }
    }
    assert!(setting.others.verify().await.unwrap().is_clean());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_lost_reply_is_found_whatever_others_did_to_a_plain_item() {
    Box::pin(with_the_reply_lost::<Plain>()).await;
}

#[tokio::test]
async fn a_lost_reply_is_found_whatever_others_did_to_an_audited_item() {
    Box::pin(with_the_reply_lost::<Audited>()).await;
}

#[tokio::test]
async fn a_lost_reply_is_found_whatever_others_did_to_an_item_with_a_unique_field() {
    Box::pin(with_the_reply_lost::<Unique>()).await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_before_the_answer_leaves_the_outcome_unknown() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let mut unknown = 0;
    for (number, taken) in [
        vec!["ACL", "SETUSER", "writer", "-@write"],
        vec!["ACL", "SETUSER", "writer", "resetkeys"],
        vec!["ACL", "SETUSER", "writer", "-evalsha", "-eval"],
        vec!["ACL", "SETUSER", "writer", "resetpass", ">another"],
    ]
    .into_iter()
    .enumerate()
    {
        let grant = ["ACL", "SETUSER", "writer", "reset", "on", ">secret", "~*", "&*", "+@all"];
        server.cli(&grant).await;
        let url = format!("redis://writer:secret@127.0.0.1:{}", proxy.port());
        let options = Store::options()
            .command_timeout(Duration::from_millis(500))
            .outcome_timeout(Duration::from_secs(2));
        let ours: Repo<Audited> = options.connect(url).await.unwrap().repo();
        let id = format!("item-{number}");
        ours.create_with_id(format!("warm-{number}"), document("warm")).await.unwrap();
        let token = format!("token-{number}");
        proxy.cut_when(token.as_bytes(), Cut::ReplyAt(0));
        proxy.refuse(true);
        let (answer, ()) = tokio::join!(ours.create_with_id(&id, document(&token)), async {
            let key = format!("tests:histories:audited:{id}:latest");
            wait::until("the write to be applied", SOON, async || {
                server.get_string(&key).await.is_some()
            })
            .await;
            assert_eq!(server.cli(&taken).await.as_str(), "OK");
            proxy.refuse(false);
        });
        // Never "refused": one who may still read finds out that it was applied.
        let commit = match answer {
            Ok(item) => item.commit.clone(),
            Err(error) => match error.kind() {
                ErrorKind::OutcomeUnknown { commit, .. } => {
                    unknown += 1;
                    commit.clone()
                }
                _ => panic!("{taken:?}: {error}"),
            },
        };
        let key = format!("tests:histories:audited:{id}:latest");
        let stored = server.get_string(&key).await.unwrap();
        assert!(stored.contains(&commit), "{taken:?}: {commit}, {stored}");
    }
    assert_eq!(unknown, 3);
}
