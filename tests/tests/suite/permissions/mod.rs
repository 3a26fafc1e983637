//! A user without a right: each operation is refused with `Auth`, and nothing is written.
//!
//! The right to every command that an operation calls, directly or in a script, is removed in turn,
//! and then the right to every kind of key that it uses. Redis does not roll back, so a script that
//! is refused after its first write would leave half of its work.

mod commands;
mod keys;

use std::collections::BTreeSet;
use std::time::Duration;

use metastore::queue::{Claim, Queue, TakeOptions};
use metastore::{Collection, Error, ErrorKind, Item, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// A collection with everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "rights", app = "test", name = "full", object_type = state, ttl = "1h", keep = 2)]
#[mutation(length -> usize)]
#[transformation(digest -> String, on = create)]
#[transformation(publish -> String, after = digest)]
struct Full {
    title: String,
    #[index(range)]
    size: u64,
    #[index]
    tags: Vec<String>,
    #[unique]
    number: u64,
}

impl Full {
    fn length(&self) -> usize {
        self.title.len()
    }
}

fn full(number: u64) -> Full {
    let tags = vec!["x".to_owned(), number.to_string()];
    Full { title: "a title".to_owned(), size: number, tags, number }
}

/// Items of a group commit: with an index, a time to live, an audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "rights", app = "test", name = "grouped", object_type = state, ttl = "1h")]
struct Grouped {
    #[index]
    size: u64,
}

/// A collection with versions only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "rights", app = "test", name = "plain", object_type = texts, audit = off)]
#[transformation(digest -> String)]
struct Plain {
    size: u64,
}

const OPERATIONS: [&str; 30] = [
    "create",
    "create plain",
    "create grouped",
    "create_with_id",
    "create_many",
    "update",
    "update plain",
    "replace",
    "revert",
    "update_many",
    "delete",
    "delete_many",
    "materialize",
    "enqueue",
    "enqueue later",
    "take",
    "take a crashed one",
    "take a dead one",
    "finish",
    "fail",
    "fail for good",
    "release",
    "renew",
    "progress",
    "cancel",
    "retry",
    "discard",
    "pause",
    "trim",
    "register",
];

/// One of two connections: the administrator, who prepares, or the user, who loses rights.
#[derive(Clone)]
struct Side {
    full: Repo<Full>,
    grouped: Repo<Grouped>,
    plain: Repo<Plain>,
}

/// The state before an operation.
struct Prepared {
    item: Item<Full>,
    plain: Item<Plain>,
    claim: Option<Claim>,
}

impl Side {
    async fn connect(url: &str) -> Self {
        let store = Store::options().audit(true).actor("ada").connect(url).await.unwrap();
        Self { full: store.repo(), grouped: store.repo(), plain: store.repo() }
    }

    fn queue(&self) -> Queue<Full> {
        Queue::new(&self.full, Full::DIGEST)
    }

    async fn prepare(&self, operation: &str) -> Prepared {
        let mut item = self.full.create_with_id("a", full(1)).await.unwrap();
        for size in [2, 3] {
            item = self.full.update(&item, Full::patch().size(size)).await.unwrap();
        }
        self.full.create_with_id("b", full(20)).await.unwrap();
        self.full.item("a").length().materialize().await.unwrap();
        self.grouped.create_with_id("a", Grouped { size: 1 }).await.unwrap();
        let plain = self.plain.create_with_id("a", Plain { size: 1 }).await.unwrap();
        let queue = self.queue();
        let mut claim = None;
        let of_claims =
            ["finish", "fail", "fail for good", "release", "renew", "progress", "retry", "discard"];
        let crashed = ["take a crashed one", "take a dead one"];
        if of_claims.contains(&operation) || crashed.contains(&operation) {
            let lease =
                Duration::from_millis(if crashed.contains(&operation) { 1 } else { 60_000 });
            let taken = queue.take(&TakeOptions::new("w", 1).lease(lease)).await.unwrap();
            claim = taken.jobs.into_iter().next().map(|job| job.claim);
        }
        if ["retry", "discard"].contains(&operation) {
            assert!(queue.fail(claim.as_ref().unwrap(), "no luck", None).await.unwrap());
        }
        Prepared { item, plain, claim }
    }

    async fn run(&self, operation: &str, prepared: &Prepared) -> Result<(), Error> {
        let Prepared { item, plain, claim } = prepared;
        let (queue, claim) = (self.queue(), claim.as_ref());
        let options = TakeOptions::new("w", 8);
        let each = |results: Vec<Result<(), Error>>| results.into_iter().collect::<Result<(), _>>();
        match operation {
            "create" => drop(self.full.create(full(9)).await?),
            "create plain" => drop(self.plain.create(Plain { size: 9 }).await?),
            "create grouped" => drop(self.grouped.create(Grouped { size: 9 }).await?),
            "create_with_id" => drop(self.full.create_with_id("c", full(9)).await?),
            "create_many" => {
                let new = [Grouped { size: 8 }, Grouped { size: 9 }];
                let created = self.grouped.create_many(new).await;
                each(created.into_iter().map(|result| result.map(drop)).collect())?;
            }
            "update" => drop(self.full.update(item, Full::patch().size(9)).await?),
            "update plain" => drop(self.plain.update(plain, Plain::patch().size(9)).await?),
            "replace" => drop(self.full.replace("a", full(9)).await?),
            "revert" => drop(self.full.revert("a", 2).await?),
            "update_many" => {
                let updated = self.full.update_many([("a", Full::patch().size(9))]).await;
                each(updated.into_iter().map(|result| result.map(drop)).collect())?;
            }
            "delete" => assert!(self.full.delete("a").await?),
            "delete_many" => {
                let deleted = self.full.delete_many(["a"]).await;
                each(deleted.into_iter().map(|result| result.map(drop)).collect())?;
            }
            "materialize" => drop(self.full.item("b").length().materialize().await?),
            "enqueue" => drop(self.full.item("a").publish().enqueue().await?),
            "enqueue later" => {
                let hour = Duration::from_secs(3600);
                drop(self.full.item("a").publish().enqueue_in(hour).await?);
            }
            "take" => assert_eq!(queue.take(&options).await?.jobs.len(), 2),
            "take a crashed one" => drop(queue.take(&options).await?),
            "take a dead one" => drop(queue.take(&options.max_crashes(1)).await?),
            "finish" => assert!(queue.finish(claim.unwrap(), &"done").await?),
            "fail" => {
                let pause = Some(Duration::from_secs(60));
                assert!(queue.fail(claim.unwrap(), "no luck", pause).await?);
            }
            "fail for good" => assert!(queue.fail(claim.unwrap(), "no luck", None).await?),
            "release" => assert_eq!(queue.release(&[claim.unwrap().clone()]).await?, 1),
            "renew" => {
                let held = queue.renew(&[claim.unwrap().clone()], Duration::from_secs(60)).await?;
                assert_eq!(held, [true]);
            }
            "progress" => {
                let progress =
                    metastore::Progress::new(0.5, "half".to_owned(), self.full.store().now());
                assert!(queue.progress(claim.unwrap(), &progress).await?);
            }
            "cancel" => assert!(self.full.item("a").digest().cancel().await?),
            "retry" => assert!(queue.retry(claim.unwrap().item.clone()).await?.is_some()),
            "discard" => assert!(queue.discard(claim.unwrap().item.clone()).await?),
            "pause" => queue.pause().await?,
            "trim" => drop(self.full.trim("a").await?),
            "register" => self.full.register().await?,
            _ => unreachable!("{operation}"),
        }
        Ok(())
    }
}

const ALL: [&str; 8] =
    ["ACL", "SETUSER", "app", "on", ">secret", "resetkeys", "resetchannels", "+@all"];

/// Commands that connections send on their own, and those of the administrator.
const NOT_OF_OPERATIONS: [&str; 13] = [
    "acl", "auth", "client", "config", "debug", "eval", "evalsha", "flushall", "hello", "info",
    "keys", "ping", "time",
];

struct Bench {
    server: Server,
    admin: Side,
    user: Side,
}

impl Bench {
    async fn start() -> Self {
        let server = Server::builder().arg("--enable-debug-command", "yes").start().await;
        let bench_rights = [&ALL[..], &["~*", "&*"]].concat();
        server.cli(&bench_rights).await;
        let admin = Side::connect(&server.url()).await;
        let url = server.url().replace("redis://", "redis://app:secret@");
        let user = Side::connect(&url).await;
        Self { server, admin, user }
    }

    async fn rights(&self, rights: &[&str]) {
        self.server.cli(&[&ALL[..], rights].concat()).await;
    }

    async fn digest(&self) -> String {
        self.server.cli(&["DEBUG", "DIGEST"]).await.as_str().to_owned()
    }

    async fn fresh(&self, operation: &str) -> Prepared {
        self.server.cli(&["FLUSHALL"]).await;
        self.rights(&["~*", "&*"]).await;
        let prepared = self.admin.prepare(operation).await;
        if operation.starts_with("take a") {
            // Waits until the lease of a millisecond has passed on the server.
            let leased = "queue:rights:test:full:digest:leased";
            metastore_tests::wait::until("the lease to pass", crate::fixture::SOON, async || {
                let time = self.server.cli(&["TIME"]).await;
                let [seconds, micros] = time.as_strings()[..] else { panic!("{time:?}") };
                let now =
                    seconds.parse::<f64>().unwrap() * 1e3 + micros.parse::<f64>().unwrap() / 1e3;
                let first = self.server.cli(&["ZRANGE", leased, "0", "0", "WITHSCORES"]).await;
                first.as_strings()[1].parse::<f64>().unwrap() < now
            })
            .await;
        }
        prepared
    }

    /// The commands that an operation calls, and the number of keys afterwards.
    async fn footprint(&self, operation: &str) -> (BTreeSet<String>, i64) {
        let prepared = self.fresh(operation).await;
        self.server.reset_command_counts().await;
        self.user.run(operation, &prepared).await.unwrap_or_else(|e| panic!("{operation}: {e:?}"));
        let counts = self.server.command_counts().await;
        let called = counts.into_keys().map(|name| name.split('|').next().unwrap().to_owned());
        let of_operation = called.filter(|name| !NOT_OF_OPERATIONS.contains(&&**name)).collect();
        (of_operation, self.server.dbsize().await)
    }

    async fn is_clean(&self) -> bool {
        let Side { full, grouped, plain } = &self.admin;
        full.verify().await.unwrap().is_clean()
            && grouped.verify().await.unwrap().is_clean()
            && plain.verify().await.unwrap().is_clean()
    }

    /// Runs an operation without some right; returns whether it was refused, or what is wrong.
    async fn is_refused(&self, operation: &str, rights: &[&str]) -> Result<bool, String> {
        let prepared = self.fresh(operation).await;
        let before = self.digest().await;
        self.rights(rights).await;
        let Err(error) = self.user.run(operation, &prepared).await else { return Ok(false) };
        if !matches!(error.kind(), ErrorKind::Auth(_)) {
            return Err(format!("{error:?}"));
        }
        if self.digest().await != before {
            return Err(format!("something was written before {error:?}"));
        }
        // With the right it succeeds, so the first attempt left nothing that prevents it.
        self.rights(&["~*", "&*"]).await;
        let again = self.user.run(operation, &prepared).await;
        again.map(|()| true).map_err(|error| format!("afterwards {error:?}"))
    }
}
