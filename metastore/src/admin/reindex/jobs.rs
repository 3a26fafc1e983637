//! Jobs that are in no list and no sorted set of their queue.

use std::collections::HashSet;

use super::checker::Checker;
use super::report::IndexReport;
use crate::document::Document;
use crate::error::Result;
use crate::job::queue::Queue;
use crate::redis::command::{Command, Reply};
use crate::redis::script::{LOST_JOBS, ScriptCall};

/// The number of items whose jobs one call searches in the lists; the cost of each grows with the
/// length of the lists.
const IN_LISTS: usize = 20;

/// How many entries of a list one round trip reads.
const PAGE: usize = 10_000;

/// The ids in the lists of each queue when the run began. A job that is waiting according to its
/// record and is not among them is searched for in the lists.
pub(super) struct Queued<T> {
    queues: Vec<(Queue<T>, HashSet<String>)>,
}

impl<T: Document> Checker<'_, T> {
    pub(super) async fn queued(&self) -> Result<Queued<T>> {
        let mut queues = Vec::new();
        for queue in Queue::all(self.repo) {
            let mut ids = HashSet::new();
            for list in queue.lists() {
                let mut from = 0;
                loop {
                    let command = Command::new("LRANGE").arg(list.clone()).int(from as u64);
                    let command = command.int((from + PAGE - 1) as u64);
                    let page = self.repo.store().reader().call(command).await;
                    let page = page.map_err(|fault| fault.into_error(self.operation).at(&list))?;
                    let page = page.into_array().unwrap_or_default();
                    from += page.len();
                    let is_last = page.len() < PAGE;
                    ids.extend(page.iter().filter_map(Reply::as_text).map(str::to_owned));
                    if is_last {
                        break;
                    }
                }
            }
            queues.push((queue, ids));
        }
        Ok(Queued { queues })
    }

    /// Finds lost jobs of these items.
    pub(super) async fn lost_jobs(
        &self,
        queued: &Queued<T>,
        ids: &[String],
        report: &mut IndexReport,
    ) -> Result<()> {
        for (queue, listed) in &queued.queues {
            let found = self.find_jobs(queue, false, ids).await?;
            let mut lost: Vec<&String> = Vec::new();
            let mut unlisted = Vec::new();
            for (id, found) in ids.iter().zip(found) {
                match found {
                    1 => lost.push(id),
                    2 if !listed.contains(id) => unlisted.push(id.clone()),
                    _ => {}
                }
            }
            for ids in unlisted.chunks(IN_LISTS) {
                let found = self.find_jobs(queue, true, ids).await?;
                lost.extend(
                    ids.iter().zip(found).filter(|(_, found)| *found == 1).map(|(id, _)| id),
                );
            }
            for id in lost {
                report.lost_jobs += 1;
                let name = queue.schema().name;
                report.list(id, format!("its job of `{name}` was in no list of the queue"));
            }
        }
        Ok(())
    }

    async fn find_jobs(
        &self,
        queue: &Queue<T>,
        in_lists: bool,
        ids: &[String],
    ) -> Result<Vec<u64>> {
        let call = queue
            .begin(ScriptCall::new(&LOST_JOBS))
            .arg(self.repair_arg())
            .arg(if in_lists { "1" } else { "0" })
            .args(ids.iter().cloned());
        let mut verdict = self.repo.write(self.operation, "", call).await?;
        let found = verdict.array(self.operation)?;
        Ok(found.iter().map(|found| found.as_u64().unwrap_or(0)).collect())
    }
}
