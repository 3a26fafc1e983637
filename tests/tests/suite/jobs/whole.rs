//! Every script of jobs refuses as a whole: with a key of another type, and on a full server.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::queue::{Claim, Completion, Queue};
use metastore::{ErrorKind, Repo, Store};
use metastore_tests::Server;

use super::{Page, enqueue, options, page};
use crate::fixture::start_with;

const QUEUE: &str = "queue:myapp:crawl:pages:digest";

/// The parts of a queue, and a value of another type for each.
const PARTS: [&str; 10] =
    ["jobs", "high", "waiting", "low", "suspects", "delayed", "leased", "dead", "control", "idle"];

const OPERATIONS: [&str; 14] = [
    "enqueue",
    "delay",
    "raise",
    "take",
    "take alone",
    "finish",
    "fail",
    "die",
    "release",
    "cancel",
    "retry",
    "discard",
    "run",
    "delete",
];

struct Bench {
    server: Server,
    pages: Repo<Page>,
    queue: Queue<Page>,
    claim: Claim,
}

impl Bench {
    /// A queue with jobs in all states: `waits`, `runs`, `later`, `died`; `none` has no job.
    async fn start() -> Self {
        let (server, repo) = start_with(Store::options().audit(true)).await;
        let pages = repo.texts.store().repo::<Page>();
        let queue = Queue::new(&pages, Page::DIGEST);
        Self { claim: Self::fill(&pages, &queue).await, server, pages, queue }
    }

    async fn again(&mut self) {
        self.server.cli(&["FLUSHALL"]).await;
        self.claim = Self::fill(&self.pages, &self.queue).await;
    }

    async fn fill(pages: &Repo<Page>, queue: &Queue<Page>) -> Claim {
        enqueue(pages, Page::DIGEST, &["died", "runs"]).await;
        let mut taken = queue.take(&options(2)).await.unwrap().jobs;
        let runs = taken.pop().unwrap().claim;
        assert!(queue.fail(&taken.pop().unwrap().claim, "no luck", None).await.unwrap());
        enqueue(pages, Page::DIGEST, &["waits"]).await;
        for id in ["later", "none"] {
            pages.create_with_id(id, page(id)).await.unwrap();
        }
        pages.item("later").digest().enqueue_in(Duration::from_secs(3600)).await.unwrap();
        runs
    }

    /// All keys with their values and without their times to live.
    async fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for key in self.server.keys().await {
            let value = self.server.cli(&["DUMP", &key]).await.as_bytes().to_vec();
            all.insert(key, value);
        }
        all
    }

    async fn run(&self, operation: &str) -> metastore::Result<()> {
        let Self { pages, queue, claim, .. } = self;
        let complete = async |completion: Completion| -> metastore::Result<()> {
            for outcome in queue.exchange(&[completion], None).await.outcomes {
                outcome?;
            }
            Ok(())
        };
        let urgent = metastore::EnqueueOptions::new().priority(metastore::Priority::High);
        let failure = |retry_in| Completion::Failure {
            claim: claim.clone(),
            message: "no luck".to_owned(),
            runs: 1,
            retry_in,
        };
        match operation {
            "enqueue" => pages.item("none").digest().enqueue().await.map(drop),
            "delay" => {
                pages.item("none").digest().enqueue_in(Duration::from_secs(9)).await.map(drop)
            }
            "raise" => pages.item("waits").digest().enqueue_with(urgent).await.map(drop),
            "take" => queue.take(&options(9)).await.map(drop),
            "take alone" => queue.take(&options(9).alone(true)).await.map(drop),
            "finish" => queue.finish(claim, &"done").await.map(drop),
            "fail" => complete(failure(Some(Duration::from_secs(9)))).await,
            "die" => complete(failure(None)).await,
            "release" => queue.release(std::slice::from_ref(claim)).await.map(drop),
            "cancel" => pages.item("waits").digest().cancel().await.map(drop),
            "retry" => queue.retry("died").await.map(drop),
            "discard" => queue.discard("died").await.map(drop),
            "run" => {
                let run = async |_| Ok::<_, String>("done".to_owned());
                pages.item("none").digest().run_with(run).await.map(drop)
            }
            "delete" => pages.delete("waits").await.map(drop),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_key_of_another_type_leaves_the_queue_whole() {
    let mut bench = Bench::start().await;
    let mut refused = 0;
    for operation in OPERATIONS {
        for part in PARTS {
            bench.again().await;
            let key = format!("{QUEUE}:{part}");
            bench.server.cli(&["DEL", &key]).await;
            bench.server.cli(&["SET", &key, "x"]).await;
            let before = bench.everything().await;
            match bench.run(operation).await {
                Ok(()) => {}
                Err(error) => {
                    let is_named = matches!(error.kind(), ErrorKind::WrongType(_));
                    assert!(is_named, "{operation} with another {part}: {error:?}");
                    refused += 1;
                    // A refused deletion keeps its commit id.
                    let mut after = bench.everything().await;
                    after.remove("idx:myapp:crawl:pages:commits");
                    assert_eq!(after, before, "{operation} with another {part}");
                }
            }
        }
    }
    assert!(refused >= 130, "{refused}");
}

#[tokio::test]
async fn a_record_of_another_type_refuses_its_own_job_and_leaves_it_whole() {
    let mut bench = Bench::start().await;
    for (operation, id) in
        [("enqueue", "none"), ("delay", "none"), ("finish", "runs"), ("cancel", "waits")]
    {
        bench.again().await;
        let key = format!("myapp:crawl:pages:{id}:transformation:digest");
        bench.server.cli(&["RPUSH", &key, "x"]).await;
        let error = bench.run(operation).await.expect_err(operation);
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{operation}: {error:?}");
        assert_eq!(bench.server.cli(&["LRANGE", &key, "0", "-1"]).await.as_strings(), ["x"]);
        let stats = bench.queue.stats().await.unwrap();
        assert_eq!((stats.waiting, stats.running, stats.delayed, stats.dead), (1, 1, 1, 1));
    }
}

#[tokio::test]
async fn a_full_server_leaves_the_queue_whole_and_leases_are_renewed_on_it() {
    let mut bench = Bench::start().await;
    // A deletion frees memory, so it succeeds.
    for operation in OPERATIONS.into_iter().filter(|operation| *operation != "delete") {
        bench.again().await;
        let before = bench.everything().await;
        bench.server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
        let error = bench.run(operation).await.expect_err(operation);
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory(_)), "{operation}: {error:?}");
        let claims = std::slice::from_ref(&bench.claim);
        let renewed = bench.queue.renew(claims, Duration::from_secs(60)).await;
        bench.server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
        assert_eq!(renewed.unwrap(), [true], "{operation}");
        let mut after = bench.everything().await;
        let mut before = before;
        for part in ["leased", "control"] {
            after.remove(&format!("{QUEUE}:{part}"));
            before.remove(&format!("{QUEUE}:{part}"));
        }
        assert_eq!(after, before, "{operation}");
    }
}
