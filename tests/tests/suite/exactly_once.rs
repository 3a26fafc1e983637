//! The reply to a write is lost, others change or delete the item, and the client asks again: it
//! learns the outcome, and the write is applied once. The same when the network delivers a write
//! twice.

use std::fmt::Debug;
use std::time::Duration;

use metastore::{ErrorKind, Item, Repo, Store};
use metastore_tests::histories::documents::{Audited, Document, Plain, Unique, Value};
use metastore_tests::{Cut, Fault, Proxy, Server, wait};

use crate::fixture::SOON;

/// Longer than any test.
const HELD: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Write {
    Create,
    CreateGenerated,
    CreateMany,
    Update,
    UpdateInHand,
    UpdateAt,
    Replace,
    Modify,
    Revert,
    Delete,
    DeleteAt,
}

/// What others do before the client asks again, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Update,
    Delete,
    Create,
}

use Step::{Create, Delete, Update};

impl Write {
    const ALL: [Self; 11] = [
        Self::Create,
        Self::CreateGenerated,
        Self::CreateMany,
        Self::Update,
        Self::UpdateInHand,
        Self::UpdateAt,
        Self::Replace,
        Self::Modify,
        Self::Revert,
        Self::Delete,
        Self::DeleteAt,
    ];

    fn creates(self) -> bool {
        matches!(self, Self::Create | Self::CreateGenerated | Self::CreateMany)
    }

    fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteAt)
    }

    /// What others may do once it is applied.
    fn others(self) -> Vec<Vec<Step>> {
        if self.deletes() {
            return vec![
                vec![],
                vec![Create],
                vec![Create, Update],
                vec![Create, Delete],
                vec![Create, Delete, Create],
            ];
        }
        vec![
            vec![],
            vec![Update],
            vec![Delete],
            vec![Update, Delete],
            vec![Delete, Create],
            vec![Delete, Create, Update],
            vec![Delete, Create, Delete],
            vec![Delete, Create, Delete, Create],
        ]
    }

    /// Its name in the trail.
    fn audited(self) -> &'static str {
        match self {
            Self::Create | Self::CreateGenerated | Self::CreateMany => "create",
            Self::Revert => "revert",
            Self::Delete | Self::DeleteAt => "delete",
            _ => "update",
        }
    }
}

struct Setting<T> {
    server: Server,
    proxy: Proxy,
    ours: Repo<T>,
    others: Repo<T>,
}

impl<T: Document> Setting<T> {
    async fn new() -> Self {
        let server = Server::start().await;
        let proxy = Proxy::start(server.port()).await;
        let ours = Store::connect(proxy.url()).await.unwrap().repo();
        let others = Store::connect(server.url()).await.unwrap().repo();
        let setting = Self { server, proxy, ours, others };
        // All scripts are loaded then, so that a cut affects the reply to one that has run.
        for write in Write::ALL {
            let case = setting.case(write, "warm").await;
            setting.write(write, &case).await.unwrap();
        }
        setting
    }

    async fn case(&self, write: Write, name: &str) -> Case<T> {
        let id = format!("{write:?}-{name}").to_lowercase();
        let token = format!("token-of-{id}");
        let mut in_hand = None;
        if !write.creates() {
            let first = document::<T>(&format!("first-of-{id}"));
            self.others.create_with_id(&id, first).await.unwrap();
            let second = T::set(&format!("second-of-{id}"), None);
            self.others.update(&id, second).await.unwrap();
            in_hand = self.ours.get(&id).await.unwrap();
        }
        // Bytes that only the writing request contains.
        let needle = match write {
            Write::Revert => format!("\"first-of-{id}\""),
            Write::Delete | Write::DeleteAt => format!("{id}:latest"),
            _ => token.clone(),
        };
        Case { id, token, needle, in_hand }
    }

    /// The write, with the id and the version that it returns; 0 for a deletion.
    async fn write(&self, write: Write, case: &Case<T>) -> Result<(String, u64), metastore::Error> {
        let (repo, id) = (&self.ours, &case.id);
        let new = || document::<T>(&case.token);
        let patch = || T::set(&case.token, None);
        let in_hand = || case.in_hand.as_ref().unwrap();
        let item = match write {
            Write::Create => repo.create_with_id(id, new()).await?,
            Write::CreateGenerated => repo.create(new()).await?,
            Write::CreateMany => repo.create_many([new()]).await.pop().unwrap()?,
            Write::Update => repo.update(id, patch()).await?,
            Write::UpdateInHand => repo.update(in_hand(), patch()).await?,
            Write::UpdateAt => repo.update_at(id, 2, patch()).await?,
            Write::Replace => repo.replace(in_hand(), new()).await?,
            Write::Modify => repo.modify(id, |document| document.add(&case.token)).await?,
            Write::Revert => repo.revert(id, 1).await?,
            Write::Delete => {
                assert!(repo.delete(id).await?, "said to be none");
                return Ok((id.clone(), 0));
            }
            Write::DeleteAt => {
                repo.delete_at(id, 2).await?;
                return Ok((id.clone(), 0));
            }
        };
        Ok((item.id.to_string(), item.version))
    }

    /// Waits until a write is applied, and returns the id of its item.
    async fn applied(&self, write: Write, case: &Case<T>) -> String {
        let mut id = case.id.clone();
        wait::until("the write to be applied", SOON, async || {
            if matches!(write, Write::CreateGenerated | Write::CreateMany) {
                let items = self.others.list().await.unwrap();
                let ours = items.iter().find(|item| item.data.value().token == case.token);
                id = ours.map(|item| item.id.to_string()).unwrap_or_default();
                return ours.is_some();
            }
            let found = self.others.get(&case.id).await.unwrap();
            match found {
                None => write.deletes(),
                Some(item) => item.version == if write.creates() { 1 } else { 3 },
            }
        })
        .await;
        id
    }

    async fn others_do(&self, id: &str, steps: &[Step]) {
        for (number, step) in steps.iter().enumerate() {
            let token = format!("others-{number}");
            match step {
                Update => {
                    self.others.update(id, T::set(&token, None)).await.unwrap();
                }
                Delete => assert!(self.others.delete(id).await.unwrap()),
                Create => {
                    self.others.create_with_id(id, document::<T>(&token)).await.unwrap();
                }
            }
        }
    }

    /// What is stored of an item, and its trail.
    async fn state(&self, id: &str) -> (Option<(u64, Value)>, Vec<(String, String)>) {
        let item = self.others.get(id).await.unwrap();
        let trail = format!("stream:audit:{}:{id}", self.others.address());
        let entries = self.server.cli(&["XRANGE", trail.as_str(), "-", "+"]).await;
        let entry = |entry: &metastore_tests::Reply| {
            let fields = entry.as_array()[1].as_strings();
            (fields[1].to_owned(), fields[5].to_owned())
        };
        let trail = entries.as_array().iter().map(entry).collect();
        (item.map(|item| (item.version, item.data.value())), trail)
    }
}

struct Case<T> {
    id: String,
    token: String,
    needle: String,
    in_hand: Option<Item<T>>,
}

fn document<T: Document>(token: &str) -> T {
    T::of(Value { token: token.to_owned(), count: 0, name: None })
}

fn operations(trail: &[(String, String)]) -> Vec<&str> {
    trail.iter().map(|(operation, _)| operation.as_str()).collect()
}

/// The expected operations of a trail.
fn expected(write: Write, steps: &[Step]) -> Vec<&'static str> {
    let before: &[&str] = if write.creates() { &[] } else { &["create", "update"] };
    let steps = steps.iter().map(|step| match step {
        Update => "update",
        Delete => "delete",
        Create => "create",
    });
    before.iter().copied().chain([write.audited()]).chain(steps).collect()
}

fn check<R: Debug + PartialEq>(what: &str, found: &R, right: &R, wrong: &mut Vec<String>) {
    if found != right {
        wrong.push(format!("{what}: {found:?} instead of {right:?}"));
    }
}

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

/// The write is delivered again, or its first attempt late, after the operations of others.
async fn with_a_second_delivery<T: Document>(fault: Fault) {
    let setting = Setting::<T>::new().await;
    let mut wrong = Vec::new();
    for write in Write::ALL {
        for (number, steps) in write.others().iter().enumerate() {
            let case = setting.case(write, &number.to_string()).await;
            let what = format!("{write:?} {steps:?}");
            setting.proxy.strike_when(case.needle.as_bytes(), fault);
            let (id, _) = setting.write(write, &case).await.unwrap();
            assert!(setting.proxy.fired(), "{what}");
            setting.others_do(&id, steps).await;
            let before = setting.state(&id).await;
            setting.proxy.deliver_held().await;
            check(&what, &setting.state(&id).await, &before, &mut wrong);
        }
    }
    assert!(setting.others.verify().await.unwrap().is_clean());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_write_that_is_delivered_twice_is_applied_once() {
    with_a_second_delivery::<Plain>(Fault::Repeat(HELD)).await;
    with_a_second_delivery::<Audited>(Fault::Repeat(HELD)).await;
    with_a_second_delivery::<Unique>(Fault::Repeat(HELD)).await;
}

#[tokio::test]
async fn a_write_whose_first_attempt_is_delivered_late_is_applied_once() {
    with_a_second_delivery::<Plain>(Fault::Late(HELD)).await;
    with_a_second_delivery::<Audited>(Fault::Late(HELD)).await;
    with_a_second_delivery::<Unique>(Fault::Late(HELD)).await;
}

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
