//! The reply to a write is lost, others change or delete the item, and the client asks again: it
//! learns the outcome, and the write is applied once. The same when the network delivers a write
//! twice.

mod deliveries;
mod lost_replies;
mod refused;

use std::fmt::Debug;
use std::time::Duration;

use Step::{Create, Delete, Update};
use metastore::{Item, Repo, Store};
use metastore_tests::histories::documents::{Document, Value};
use metastore_tests::{Proxy, Server, wait};

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
