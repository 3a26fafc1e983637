//! Random operations of two writers, compared with a simple model: documents, versions, indexes,
//! unique claims, counts and the audit trail agree with it.
//!
//! The seed of a run is printed; `METASTORE_SEED` runs one again.

mod check;
mod operation;
mod world;

use metastore::Store;
use metastore_tests::Server;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::operation::{Thing, step};
use self::world::{WRITERS, World};

#[test]
fn everything_agrees_with_the_model_whatever_two_writers_do() {
    let seed = match std::env::var("METASTORE_SEED") {
        Ok(seed) => seed.parse().expect("METASTORE_SEED is a number"),
        Err(_) => u64::from(std::time::UNIX_EPOCH.elapsed().expect("a clock").subsec_nanos()),
    };
    eprintln!("METASTORE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (server, stores) = runtime.block_on(async {
        let server = Server::start().await;
        let connect = || async {
            let options = Store::options().audit(true);
            options.connect(server.url()).await.expect("connects")
        };
        let stores = [connect().await, connect().await];
        (server, stores)
    });
    let steps = proptest::collection::vec(step(), 1..40);
    let result = runner.run(&steps, |steps| {
        runtime.block_on(async {
            server.cli(&["FLUSHALL"]).await;
            let writer = |number: usize| {
                stores[number].repo::<Thing>().as_user(WRITERS[number]).expect("a good name")
            };
            let mut world = World::new(&server, [writer(0), writer(1)]);
            for (writer, op) in steps {
                world.run(writer, op).await;
            }
            world.check().await;
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("METASTORE_SEED={seed}: {error}");
    }
}
