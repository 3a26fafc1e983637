//! The checks at the end of a campaign.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use metastore::{JobState, Repo};

use super::jobs::{Kind, Outcome, Task};
use super::recovery::Recoveries;
use super::{History, LEASE, Latency, MAX_CRASHES, POLL};
use crate::{Connection, Server};

/// The time that a busy machine may add to a recovery: scheduling, and writes that wait for the
/// disk.
const SLACK: Duration = Duration::from_millis(250);

/// The findings of a campaign.
#[derive(Debug)]
pub struct Findings {
    /// The problems; empty if there are none.
    pub problems: Vec<String>,
    /// The number of checked jobs.
    pub jobs: usize,
    /// Those of them with one result.
    pub finished: usize,
    /// Those of them that are dead, as their kind or their crashes say.
    pub dead: usize,
    /// Crashes that were counted.
    pub crashes: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Observed jobs of killed workers that were returned to their queue.
    pub recovered: usize,
    /// The longest time that took.
    pub longest_recovery: Duration,
    /// How soon an idle worker started a job, before the faults.
    pub latency: Latency,
    /// The duration of the campaign.
    pub took: Duration,
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> =
            self.faults.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        writeln!(f, "faults: {} ({})", self.faults.values().sum::<u64>(), faults.join(", "))?;
        writeln!(
            f,
            "jobs: {} checked, {} finished once, {} dead by rule, {} crashes",
            self.jobs, self.finished, self.dead, self.crashes
        )?;
        writeln!(
            f,
            "recovery: {} jobs of killed workers observed, brought back after at most {:.1?} (lease {LEASE:?} + poll \
             {POLL:?})",
            self.recovered, self.longest_recovery
        )?;
        writeln!(f, "{}", self.latency)?;
        write!(f, "problems: {}, after {:.1?}", self.problems.len(), self.took)
    }
}

pub(super) async fn check(
    server: &Server,
    tasks: &Repo<Task>,
    kinds: &[Kind],
    latency: Latency,
    recoveries: Recoveries,
    history: &History,
    took: Duration,
) -> Findings {
    let mut findings = Findings {
        problems: Vec::new(),
        jobs: 0,
        finished: 0,
        dead: 0,
        crashes: 0,
        faults: history.faults(),
        recovered: recoveries.0.len(),
        longest_recovery: recoveries.0.iter().max().copied().unwrap_or_default(),
        latency,
        took,
    };
    if findings.longest_recovery > LEASE + POLL + SLACK {
        let longest = findings.longest_recovery;
        findings.problems.push(format!("a recovery took {longest:?}"));
    }
    let mut connection = server.connect().await.expect("the server is there");
    for (number, kind) in kinds.iter().enumerate() {
        let id = format!("t{number}");
        let trail = Trail::read(&mut connection, &id).await;
        let is_dead = check_job(&mut findings, tasks, &id, "work", *kind, &trail).await;
        if !is_dead {
            check_job(&mut findings, tasks, &id, "check", Kind::Succeeds, &trail).await;
        }
    }
    let left: Vec<String> = server
        .keys()
        .await
        .into_iter()
        .filter(|key| key.starts_with("queue:") && !key.ends_with(":dead"))
        .collect();
    if !left.is_empty() {
        findings.problems.push(format!("left over: {left:?}"));
    }
    findings
}

/// Checks one job, and returns whether it is rightly dead.
async fn check_job(
    findings: &mut Findings,
    tasks: &Repo<Task>,
    id: &str,
    name: &str,
    kind: Kind,
    trail: &Trail,
) -> bool {
    findings.jobs += 1;
    let transformation = if name == "work" { Task::WORK } else { Task::CHECK };
    let status = match tasks.item(id).transformation(transformation).status().await {
        Ok(Some(status)) => status,
        Ok(None) => {
            findings.problems.push(format!("{id} {name}: lost"));
            return false;
        }
        Err(error) => {
            findings.problems.push(format!("{id} {name}: {error}"));
            return false;
        }
    };
    findings.crashes += u64::from(status.crashes);
    let finishes = trail.count("finish", name, &status.job);
    let fails = trail.count("fail", name, &status.job);
    let mut wrong = |what: String| {
        findings.problems.push(format!("{id} {name} ({kind:?}): {what}; {status:?}"));
    };
    if trail.jobs("enqueue", name) != 1 {
        wrong("not requested exactly once".to_owned());
    }
    let expected_failures = match kind {
        Kind::Succeeds => 0,
        Kind::FailsOnce | Kind::PanicsOnce | Kind::IsFatal => 1,
        Kind::Fails => 4,
    };
    if status.state == JobState::Dead {
        let by_crashes = status.crashes >= MAX_CRASHES;
        let by_failures =
            matches!(kind, Kind::Fails | Kind::IsFatal) && status.attempts == expected_failures;
        if !(by_crashes || by_failures) || finishes != 0 {
            wrong("dead against the rule".to_owned());
        }
        findings.dead += 1;
        return true;
    }
    if status.state != JobState::Done || matches!(kind, Kind::Fails | Kind::IsFatal) {
        wrong("not ended as it should".to_owned());
        return false;
    }
    if finishes != 1 {
        wrong(format!("{finishes} results were stored"));
    }
    if fails != expected_failures || status.attempts != expected_failures {
        wrong(format!("{fails} failures instead of {expected_failures}"));
    }
    let outcome = Outcome { job: status.job.clone(), fence: trail.fence(name) };
    if status.result.as_ref() != Some(&outcome) {
        wrong(format!("the result is not that of the last fence, {}", outcome.fence));
    }
    findings.finished += 1;
    false
}

/// The audit trail and the records of an item, read without the library.
struct Trail {
    entries: Vec<Vec<String>>,
    fences: BTreeMap<&'static str, u64>,
}

impl Trail {
    async fn read(connection: &mut Connection, id: &str) -> Self {
        let key = format!("stream:audit:tests:chaos:tasks:{id}");
        let entries = connection.call(&["XRANGE", key.as_str(), "-", "+"]).await;
        let entries = entries
            .expect("the server answers")
            .as_array()
            .iter()
            .map(|entry| {
                entry.as_array()[1].as_strings().iter().map(|text| (*text).to_owned()).collect()
            })
            .collect();
        let mut fences = BTreeMap::new();
        for name in ["work", "check"] {
            let record = format!("tests:chaos:tasks:{id}:transformation:{name}");
            let fence = connection.call(&["HGET", record.as_str(), "fence"]).await;
            let fence = fence.expect("the server answers");
            let number = if fence.is_nil() { 0 } else { fence.as_str().parse().unwrap_or(0) };
            fences.insert(name, number);
        }
        Self { entries, fences }
    }

    fn fence(&self, name: &str) -> u64 {
        self.fences.get(name).copied().unwrap_or(0)
    }

    fn entries_of<'a>(
        &'a self,
        operation: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Vec<String>> {
        let has = |entry: &[String], field: &str, value: &str| {
            entry.chunks(2).any(|pair| pair[0] == field && pair[1] == value)
        };
        self.entries
            .iter()
            .filter(move |entry| has(entry, "op", operation) && has(entry, "transformation", name))
    }

    fn count(&self, operation: &str, name: &str, job: &str) -> u32 {
        let of_job = |entry: &&Vec<String>| entry.iter().any(|part| part == job);
        u32::try_from(self.entries_of(operation, name).filter(of_job).count()).unwrap_or(u32::MAX)
    }

    fn jobs(&self, operation: &str, name: &str) -> usize {
        self.entries_of(operation, name).count()
    }
}
