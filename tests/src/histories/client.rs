//! A process of a history: several tasks call a store and record the outcomes.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use metastore::Store;
use tokio::time::sleep;

use super::client_options::ClientOptions;
use super::documents::{Audited, Plain, Unique};
use super::log::Log;
use super::tasks::Tasks;

/// How long to pause before connecting again.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs a process of a history.
///
/// # Errors
///
/// If the options do not parse, the log cannot be written or the server refuses.
pub async fn client_main(options: &str) -> Result<(), Box<dyn Error>> {
    let options: ClientOptions = serde_json::from_str(options)?;
    let log = Arc::new(Log::create(&options.log)?);
    let store = loop {
        let settings = Store::options()
            .command_timeout(Duration::from_millis(options.command_timeout))
            .outcome_timeout(Duration::from_millis(options.outcome_timeout));
        match settings.connect(&options.url).await {
            Ok(store) => break store,
            Err(error) if error.is_retryable() => sleep(PAUSE).await,
            Err(error) => return Err(error.into()),
        }
    };
    let plain = Arc::new(Tasks::new(store.repo::<Plain>(), log.clone(), &options));
    let audited = Arc::new(Tasks::new(store.repo::<Audited>(), log.clone(), &options));
    let unique = Arc::new(Tasks::new(store.repo::<Unique>(), log, &options));
    let mut random = fastrand::Rng::with_seed(options.seed);
    let tasks = (0..options.tasks).map(|task| {
        let mut random = random.fork();
        let (plain, audited, unique) = (plain.clone(), audited.clone(), unique.clone());
        let (calls, pause) = (options.calls, options.pause);
        tokio::spawn(async move {
            for _ in 0..calls {
                match random.u8(..100) {
                    0..38 => plain.call(task, &mut random).await,
                    38..78 => audited.call(task, &mut random).await,
                    _ => unique.call(task, &mut random).await,
                }
                sleep(Duration::from_millis(random.u64(..=pause))).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await?;
    }
    Ok(())
}
