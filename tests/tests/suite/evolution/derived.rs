//! Results and jobs belong to the item that they were created for, not to a later one with its id.

use std::time::Duration;

use metastore::queue::{Queue, TakeOptions};
use metastore::{Collection, Dynamic, ErrorKind, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// The program that knows neither the mutation nor the transformations.
mod older {
    use super::{Collection, Deserialize, Serialize, Validate};

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "memos", object_type = texts)]
    pub(super) struct Memo {
        pub(super) body: String,
    }
}

mod newer {
    use super::{Collection, Deserialize, Serialize, Validate};

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "memos", object_type = texts)]
    #[mutation(length -> usize)]
    #[transformation(digest -> String)]
    #[transformation(copy -> String, after = digest)]
    pub(super) struct Memo {
        pub(super) body: String,
    }

    impl Memo {
        fn length(&self) -> usize {
            self.body.len()
        }
    }
}

const LATEST: &str = "myapp:evolution:memos:memo:latest";
const INDEX: &str = "idx:myapp:evolution:memos";
const SECOND: Duration = Duration::from_secs(1);

struct Memos {
    server: Server,
    old: Repo<older::Memo>,
    new: Repo<newer::Memo>,
    digests: Queue<newer::Memo>,
}

async fn start() -> Memos {
    let server = Server::start().await;
    let store = Store::options().audit(true).connect(server.url()).await.unwrap();
    let new = store.repo::<newer::Memo>();
    let digests = Queue::new(&new, newer::Memo::DIGEST);
    let memos = Memos { server, old: store.repo(), new, digests };
    memos.create("the first").await;
    memos
}

fn take() -> TakeOptions {
    TakeOptions::new("w", 10)
}

/// Who creates the item again, whether within the millisecond of its first creation, and how many
/// updates follow.
type Again = (bool, bool, u64);

fn all_ways() -> impl Iterator<Item = Again> {
    let yes_no = [false, true];
    yes_no.into_iter().flat_map(move |by_new| {
        yes_no.into_iter().flat_map(move |same| [0, 1, 4].map(move |n| (by_new, same, n)))
    })
}

impl Memos {
    async fn create(&self, body: &str) {
        self.new.create_with_id("memo", newer::Memo { body: body.into() }).await.unwrap();
    }

    async fn edit(&self, body: &str) {
        self.new.update("memo", newer::Memo::patch().body(body)).await.unwrap();
    }

    /// The older program deletes the item, and it is created again.
    async fn replace_item(&self, (by_new, same, updates): Again) {
        let created = self.new.get("memo").await.unwrap().unwrap().created_at.as_millis();
        assert!(self.old.delete("memo").await.unwrap());
        if by_new {
            self.create("the second").await;
        } else {
            let body = "the second".to_owned();
            self.old.create_with_id("memo", older::Memo { body }).await.unwrap();
        }
        if same {
            let stored = self.server.get_string(LATEST).await.unwrap();
            let start = stored.find("\"created\":").unwrap() + 10;
            let again = format!("{}{created}{}", &stored[..start], &stored[start + 13..]);
            self.server.cli(&["SET", LATEST, &again]).await;
            self.server.cli(&["ZADD", INDEX, &created.to_string(), "memo"]).await;
        }
        for n in 0..updates {
            self.edit(&format!("the second, {n}")).await;
        }
    }

    async fn finish(&self, result: &str) {
        let taken = self.digests.take(&take()).await.unwrap();
        let [taken] = &taken.jobs[..] else { panic!("{:?}", taken.jobs) };
        assert!(self.digests.finish(&taken.claim, &result).await.unwrap());
    }

    /// No read shows anything of an earlier item.
    async fn assert_nothing(&self, way: Again) {
        let memo = || self.new.item("memo");
        assert_eq!(memo().length().cached().await.unwrap(), None, "{way:?}");
        assert_eq!(memo().digest().result().await.unwrap(), None, "{way:?}");
        assert!(memo().digest().status().await.unwrap().is_none(), "{way:?}");
        let by_name = Dynamic::new().with(&self.new);
        assert_eq!(by_name.get_mutation("memos", "memo", "length").await.unwrap(), None);
        assert_eq!(by_name.transformation_result("memos", "memo", "digest").await.unwrap(), None);
        assert!(by_name.job_status("memos", "memo", "digest").await.unwrap().is_none());
        let listed = [
            self.new.list().with_mutation(newer::Memo::LENGTH).count().await.unwrap(),
            self.new.list().with_transformation(newer::Memo::DIGEST).count().await.unwrap(),
            self.digests.dead(0, 10).await.unwrap().len() as u64,
            u64::from(memo().digest().cancel().await.unwrap()),
            u64::from(memo().digest().discard().await.unwrap()),
            u64::from(memo().digest().retry().await.unwrap().is_some()),
        ];
        assert_eq!(listed, [0; 6], "{way:?}");
    }
}

#[tokio::test]
async fn stored_results_of_a_deleted_item_are_not_those_of_the_next_one() {
    for way in all_ways() {
        let memos = start().await;
        memos.edit("the first, edited").await;
        assert_eq!(memos.new.item("memo").length().materialize().await.unwrap(), 17);
        memos.new.item("memo").digest().enqueue().await.unwrap();
        memos.finish("of the first").await;
        // They outlive any number of updates of their own item.
        for n in 0..3 {
            memos.edit(&format!("the first, {n}")).await;
        }
        let cached = memos.new.item("memo").length().cached().await.unwrap().unwrap();
        assert_eq!((cached.value, cached.source_version, cached.stale), (17, 2, true));
        let result = memos.new.item("memo").digest().result().await.unwrap();
        assert_eq!(result.as_deref(), Some("of the first"));
        assert_eq!(memos.new.list().with_mutation(newer::Memo::LENGTH).count().await.unwrap(), 1);

        memos.replace_item(way).await;
        memos.assert_nothing(way).await;
        // A result of the next item is stored, although its version number is lower than the stored
        // one.
        memos.new.item("memo").length().materialize().await.unwrap();
        let cached = memos.new.item("memo").length().cached().await.unwrap().unwrap();
        assert_eq!((cached.source_version, cached.stale), (way.2 + 1, false));
        assert_eq!(memos.new.list().with_mutation(newer::Memo::LENGTH).count().await.unwrap(), 1);
        memos.new.item("memo").digest().enqueue().await.unwrap();
        memos.finish("of the second").await;
        let result = memos.new.item("memo").digest().result().await.unwrap();
        assert_eq!(result.as_deref(), Some("of the second"));
        let report = memos.new.verify().await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
}

#[tokio::test]
async fn an_item_in_hand_that_was_replaced_stores_no_result() {
    for way in all_ways() {
        let memos = start().await;
        let in_hand = memos.new.get("memo").await.unwrap().unwrap();
        memos.replace_item(way).await;
        let error = memos.new.item(&in_hand).length().materialize().await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        memos.assert_nothing(way).await;
    }
}

#[tokio::test]
async fn a_job_of_a_deleted_item_ends_as_nothing_of_the_next_one() {
    for way in all_ways() {
        // It runs while the item is replaced, and then succeeds, becomes dead or is renewed.
        let memos = start().await;
        let job = memos.new.item("memo").digest().enqueue().await.unwrap();
        let running = memos.digests.take(&take()).await.unwrap().jobs.remove(0).claim;
        memos.replace_item(way).await;
        memos.assert_nothing(way).await;
        assert_eq!(
            memos.digests.renew(std::slice::from_ref(&running), SECOND).await.unwrap(),
            [false]
        );
        assert!(!memos.digests.finish(&running, &"of the first").await.unwrap());
        let error = job.wait(SECOND).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::JobGone), "{error}");
        memos.assert_nothing(way).await;
        assert!(memos.new.item("memo").copy().status().await.unwrap().is_none());

        // It fails.
        let memos = start().await;
        memos.new.item("memo").digest().enqueue().await.unwrap();
        let running = memos.digests.take(&take()).await.unwrap().jobs.remove(0).claim;
        memos.replace_item(way).await;
        assert!(!memos.digests.fail(&running, "of the first", None).await.unwrap());
        memos.assert_nothing(way).await;

        // It continues while the next item's own job is requested and run.
        let memos = start().await;
        memos.new.item("memo").digest().enqueue().await.unwrap();
        let running = memos.digests.take(&take()).await.unwrap().jobs.remove(0).claim;
        memos.replace_item(way).await;
        let job = memos.new.item("memo").digest().enqueue().await.unwrap();
        assert!(!memos.digests.finish(&running, &"of the first").await.unwrap());
        memos.finish("of the second").await;
        assert_eq!(job.wait(SECOND).await.unwrap(), "of the second");
    }
}

#[tokio::test]
async fn a_waiting_or_dead_job_of_a_deleted_item_is_not_run_for_the_next_one() {
    for way in all_ways() {
        let memos = start().await;
        memos.new.item("memo").digest().enqueue().await.unwrap();
        memos.replace_item(way).await;
        memos.assert_nothing(way).await;
        assert!(memos.digests.take(&take()).await.unwrap().jobs.is_empty(), "{way:?}");

        let memos = start().await;
        memos.new.item("memo").digest().enqueue_in(SECOND).await.unwrap();
        memos.replace_item(way).await;
        assert!(memos.digests.take(&take().fast_forward(true)).await.unwrap().jobs.is_empty());

        let memos = start().await;
        memos.new.item("memo").digest().enqueue().await.unwrap();
        let running = memos.digests.take(&take()).await.unwrap().jobs.remove(0).claim;
        assert!(memos.digests.fail(&running, "of the first", None).await.unwrap());
        assert_eq!(memos.digests.dead(0, 10).await.unwrap().len(), 1);
        memos.replace_item(way).await;
        memos.assert_nothing(way).await;
        // An inline run finds the leftovers as well.
        let shout = |memo: metastore::Item<newer::Memo>| async move {
            Ok::<_, String>(memo.data.body.clone())
        };
        let result = memos.new.item("memo").digest().run_with(shout).await.unwrap();
        assert!(result.starts_with("the second"), "{result}");
        let status = memos.new.item("memo").digest().status().await.unwrap().unwrap();
        assert_eq!((status.attempts, status.error), (0, None));
    }
}

#[tokio::test]
async fn the_envelope_names_the_first_commit_of_its_item() {
    let memos = start().await;
    let first = memos.new.get("memo").await.unwrap().unwrap();
    assert!(!memos.server.get_string(LATEST).await.unwrap().contains("\"origin\""));
    for n in 0..3 {
        memos.edit(&format!("{n}")).await;
    }
    memos.new.revert("memo", 1).await.unwrap();
    memos.old.replace("memo", older::Memo { body: "x".into() }).await.unwrap();
    let stored = memos.server.get_string(LATEST).await.unwrap();
    assert!(stored.starts_with("{\"version\":6,"), "{stored}");
    assert!(stored.contains(&format!(",\"origin\":\"{}\",", first.commit)), "{stored}");
}
