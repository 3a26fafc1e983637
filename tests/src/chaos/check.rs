//! The checks at the end of a campaign.

use std::collections::BTreeMap;

use metastore::queue::Queue;
use metastore::{AuditEntry, AuditOperation, JobState, Repo};

use super::jobs::{Kind, Outcome, Planned, Task};
use super::runs::Runs;

/// What the checks have found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) problems: Vec<String>,
    pub(super) jobs: usize,
    pub(super) finished: usize,
    pub(super) dead: usize,
    pub(super) crashes: u64,
}

/// Checks every job, the queues and the indexes, through the public interface alone.
pub(super) async fn check(
    tasks: &Repo<Task>,
    planned: &[Planned],
    runs: &Runs,
    max_crashes: u32,
) -> Checked {
    let mut checked = Checked::default();
    for run in &runs.repeated {
        checked.problems.push(format!("handled twice under one fence: {run:?}"));
    }
    let mut dead = BTreeMap::from([("work", 0), ("check", 0)]);
    for (number, task) in planned.iter().enumerate() {
        let mut one =
            Check { tasks, runs, max_crashes, id: format!("t{number}"), task, trail: Vec::new() };
        match tasks.audit(&one.id).oldest_first().limit(1_000).await {
            Ok(page) => one.trail = page.entries,
            Err(error) => checked.problems.push(format!("{}: its trail: {error}", one.id)),
        }
        if one.job(&mut checked, "work", task.kind).await {
            *dead.entry("work").or_default() += 1;
        } else if one.job(&mut checked, "check", Kind::Succeeds).await {
            *dead.entry("check").or_default() += 1;
        }
    }
    check_queues(&mut checked, tasks, &dead).await;
    check_indexes(&mut checked, tasks, planned).await;
    checked
}

/// The counters of the queues agree with the jobs.
async fn check_queues(checked: &mut Checked, tasks: &Repo<Task>, dead: &BTreeMap<&str, u64>) {
    for (name, queue) in
        [("work", Queue::new(tasks, Task::WORK)), ("check", Queue::new(tasks, Task::CHECK))]
    {
        match queue.stats().await {
            Ok(stats) => {
                let dead = dead[name];
                if stats.waiting + stats.delayed + stats.running != 0
                    || stats.dead != dead
                    || stats.ready
                {
                    checked.problems.push(format!("{name}: {dead} jobs are dead, and {stats:?}"));
                }
            }
            Err(error) => checked.problems.push(format!("{name}: its counters: {error}")),
        }
    }
}

/// The indexes agree with the items, and the library finds nothing wrong.
async fn check_indexes(checked: &mut Checked, tasks: &Repo<Task>, planned: &[Planned]) {
    match tasks.verify().await {
        Ok(report) if report.is_clean() && report.checked == planned.len() as u64 => {}
        Ok(report) => checked.problems.push(format!("not clean: {report:?}")),
        Err(error) => checked.problems.push(format!("verify: {error}")),
    }
    let mut kinds = BTreeMap::<Kind, u64>::new();
    let mut rounds = BTreeMap::<u64, u64>::new();
    for task in planned {
        *kinds.entry(task.kind).or_default() += 1;
        *rounds.entry(task.round).or_default() += 1;
    }
    for (kind, count) in kinds {
        let found = tasks.find(Task::LABEL.eq(format!("{kind:?}"))).count().await;
        agree(checked, &format!("{kind:?}"), count, found);
    }
    for (round, count) in rounds {
        let found = tasks.find(Task::ROUND.eq(round)).count().await;
        agree(checked, &format!("changed {round} times"), count, found);
    }
}

fn agree(checked: &mut Checked, what: &str, count: u64, found: metastore::Result<u64>) {
    match found {
        Ok(found) if found == count => {}
        Ok(found) => checked.problems.push(format!("{what}: the index has {found} of {count}")),
        Err(error) => checked.problems.push(format!("{what}: {error}")),
    }
}

/// One task and what is known of it.
struct Check<'a> {
    tasks: &'a Repo<Task>,
    runs: &'a Runs,
    max_crashes: u32,
    id: String,
    task: &'a Planned,
    trail: Vec<AuditEntry>,
}

impl Check<'_> {
    /// Checks one job, and returns whether it is dead.
    async fn job(&self, checked: &mut Checked, name: &str, kind: Kind) -> bool {
        checked.jobs += 1;
        let id = &self.id;
        let transformation = if name == "work" { Task::WORK } else { Task::CHECK };
        let status = match self.tasks.item(id).transformation(transformation).status().await {
            Ok(Some(status)) => status,
            Ok(None) => {
                checked.problems.push(format!("{id} {name}: lost"));
                return false;
            }
            Err(error) => {
                checked.problems.push(format!("{id} {name}: {error}"));
                return false;
            }
        };
        checked.crashes += u64::from(status.crashes);
        let mut wrong = Vec::new();
        if self.count(&AuditOperation::Enqueue, name, None) != 1 {
            wrong.push("not requested exactly once".to_owned());
        }
        let finishes = self.count(&AuditOperation::Finish, name, Some(&status.job));
        let fails = self.count(&AuditOperation::Fail, name, Some(&status.job));
        let failures = match kind {
            Kind::Succeeds | Kind::Aborts => 0,
            Kind::FailsOnce | Kind::PanicsOnce | Kind::IsFatal => 1,
            Kind::Fails => 4,
        };
        let ends_dead = matches!(kind, Kind::Fails | Kind::IsFatal | Kind::Aborts);
        let is_dead = status.state == JobState::Dead;
        if is_dead && kind == Kind::Aborts {
            if status.crashes < self.max_crashes || finishes != 0 {
                wrong.push("dead before its time".to_owned());
            }
        } else if is_dead && ends_dead {
            if status.attempts != failures || finishes != 0 {
                wrong.push(format!("dead after {} failures of {failures}", status.attempts));
            }
        } else if is_dead {
            wrong.push("dead although it does no harm".to_owned());
        } else if status.state != JobState::Done || ends_dead {
            wrong.push("not ended as it should".to_owned());
        } else {
            if finishes != 1 {
                wrong.push(format!("{finishes} results were stored"));
            }
            if fails != failures || status.attempts != failures {
                wrong.push(format!("{fails} failures instead of {failures}"));
            }
            let last = self.runs.last_fence(&status.job);
            let outcome = last.map(|fence| Outcome { job: status.job.clone(), fence });
            match self.tasks.item(id).transformation(transformation).result().await {
                Ok(result) if result.is_some() && result == outcome => {}
                found => wrong.push(format!("the result is {found:?} instead of {outcome:?}")),
            }
            checked.finished += 1;
        }
        checked.dead += usize::from(is_dead);
        let (task, status) = (self.task, &status);
        let told =
            wrong.into_iter().map(|what| format!("{id} {name} ({task:?}): {what}; {status:?}"));
        checked.problems.extend(told);
        is_dead
    }

    /// How many entries of the trail record this operation on a job; `None` for any job.
    fn count(&self, operation: &AuditOperation, name: &str, job: Option<&str>) -> u32 {
        let of_job = self.trail.iter().filter(|entry| {
            entry.operation == *operation
                && entry.transformation.as_deref() == Some(name)
                && job.is_none_or(|job| entry.commit == job)
        });
        u32::try_from(of_job.count()).unwrap_or(u32::MAX)
    }
}
