//! One history: a server, client processes, faults, and the checks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use metastore::{Repo, Store};
use tokio::time::{sleep, timeout};

use super::client_options::ClientOptions;
use super::clients::Clients;
use super::documents::{Audited, Document, Plain, Unique};
use super::explain::{self, Problem};
use super::faults::{FaultKind, Injector};
use super::record::{Answer, Call, Operation};
use super::tasks::seen;
use super::{Size, invariants, log, partition};
use crate::{Proxy, Server};

/// How long processes may take to make their calls.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process number of the reads after the end.
const AFTERWARDS: u32 = 999;

/// The outcome of a history.
#[derive(Debug)]
pub struct Outcome {
    /// The seed that repeats it.
    pub seed: u64,
    /// The kind of faults.
    pub kind: FaultKind,
    /// How many calls were recorded.
    pub calls: usize,
    /// How many of them have no answer.
    pub open: usize,
    /// How many faults happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The problems that were found.
    pub problems: Vec<String>,
    /// Parts that could not be decided in time.
    pub undecided: Vec<String>,
    /// How long it took, and how much of that the checks.
    pub took: (Duration, Duration),
}

/// Runs a history and checks it.
///
/// # Panics
///
/// If the server or a process cannot be started.
pub(super) async fn run_one(program: &str, size: &Size, kind: FaultKind, seed: u64) -> Outcome {
    let begin = Instant::now();
    let mut random = fastrand::Rng::with_seed(seed);
    let server = Server::builder().append_only(kind.restarts()).start().await;
    let command_timeout = Duration::from_millis(250);
    let mut proxies = Vec::new();
    for _ in 0..size.processes {
        let proxy = Proxy::start(server.port()).await;
        if let Some(disturbances) = kind.disturbances_of(random.u64(..), command_timeout) {
            proxy.disturb(disturbances);
        }
        proxies.push(proxy);
    }
    let directory = tempfile::TempDir::new().expect("a temporary directory can be made");
    let options = ClientOptions {
        url: String::new(),
        log: directory.path().to_owned(),
        process: 0,
        tasks: size.tasks,
        calls: size.calls,
        keys: size.keys,
        pause: size.pause,
        command_timeout: 250,
        // Some clients time out before a late delivery arrives.
        outcome_timeout: random.u64(400..4_000),
        seed: random.u64(..),
    };
    let urls = proxies.iter().map(Proxy::url).collect();
    let mut clients = Clients::start(program, directory.path(), urls, &options);
    let counts = BTreeMap::new();
    let random = random.fork();
    let mut injector = Injector { kind, server: &server, timeout: command_timeout, random, counts };
    let in_time = timeout(PATIENCE, injector.run(&mut clients)).await.is_ok();
    let mut faults = injector.counts;
    if !in_time {
        server.thaw();
    }
    clients.end().await;
    for proxy in &proxies {
        proxy.calm();
        proxy.deliver_held().await;
        proxy.drop_all();
        for (kind, count) in proxy.disturbed() {
            *faults.entry(name(kind)).or_default() += count;
        }
    }
    until_alone(&server).await;
    let checking = Instant::now();
    let mut calls = clients.calls();
    let mut problems = clients.problems;
    if let Err(error) = afterwards(&server, &mut calls, &mut problems).await {
        problems.push(format!("the store cannot be read afterwards: {error}"));
    }
    for call in &calls {
        if let Answer::Unexpected(what) = &call.answer {
            problems.push(format!("{:?} of {:?} gave: {what}", call.operation, call.item()));
        }
    }
    let mut undecided = Vec::new();
    for part in partition::split(&calls) {
        match explain::check(&part, &calls) {
            Ok(()) => {}
            Err(Problem::Wrong(problem)) => problems.push(problem),
            Err(Problem::Undecided(part)) => undecided.push(part),
        }
    }
    let open = calls.iter().filter(|call| call.is_open()).count();
    let took = (begin.elapsed(), checking.elapsed());
    Outcome { seed, kind, calls: calls.len(), open, faults, problems, undecided, took }
}

/// Waits until the server has read all that was sent to it, and closed the connections.
async fn until_alone(server: &Server) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.info_field("connected_clients").await != "1" && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
}

fn name(kind: crate::proxy::Disturbance) -> &'static str {
    use crate::proxy::Disturbance::{CutReply, CutRequest, Delay, Halve, Late, Repeat};
    match kind {
        CutRequest => "cut request",
        CutReply => "cut reply",
        Halve => "halve",
        Delay => "delay",
        Repeat => "repeat",
        Late => "late",
    }
}

/// Reads everything after the last fault, and checks the invariants.
async fn afterwards(
    server: &Server,
    calls: &mut Vec<Call>,
    problems: &mut Vec<String>,
) -> Result<(), metastore::Error> {
    let store = Store::connect(server.url()).await?;
    of_collection(server, &store.repo::<Plain>(), calls, problems).await?;
    of_collection(server, &store.repo::<Audited>(), calls, problems).await?;
    of_collection(server, &store.repo::<Unique>(), calls, problems).await
}

async fn of_collection<T: Document>(
    server: &Server,
    repo: &Repo<T>,
    calls: &mut Vec<Call>,
    problems: &mut Vec<String>,
) -> Result<(), metastore::Error> {
    let invoked = log::now();
    let page = repo.list().limit(1_000).page().await?;
    let items = page.items.iter().map(seen).collect();
    calls.push(Call {
        process: AFTERWARDS,
        task: 0,
        kind: T::KIND,
        id: None,
        operation: Operation::List,
        invoked,
        returned: Some(log::now()),
        answer: Answer::Items(items, page.next.is_none()),
    });
    problems.extend(invariants::check(server, repo, calls).await?);
    Ok(())
}
