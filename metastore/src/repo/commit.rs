//! Sending the writes of a collection.

use crate::document::Document;
use crate::error::Result;
use crate::redis::command::Verdict;
use crate::redis::script::ScriptCall;
use crate::redis::write::group_commit::Insert;
use crate::redis::write::retry::RetryPolicy;
use crate::redis::write::{Commit, Outcome, Write};
use crate::repo::Repo;

impl<T: Document> Repo<T> {
    /// Sends one script call and returns its verdict.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        id: &str,
        call: ScriptCall,
    ) -> Result<Verdict> {
        self.commit(operation, id, Write::Script(call)).await?.verdict(operation)
    }

    /// Sends one write and returns its outcome.
    pub(crate) async fn commit(
        &self,
        operation: &'static str,
        id: &str,
        write: Write<'_>,
    ) -> Result<Outcome> {
        let commit = Commit { operation, id, write, retry: self.retry_policy() };
        let outcome = self.store().writer().commit(commit).await;
        self.note_time(&outcome);
        outcome
    }

    /// Sends the writes of many items in one atomic step, each with its commit id.
    pub(crate) async fn commit_many<C: AsRef<str>>(
        &self,
        operation: &'static str,
        writes: Vec<(C, ScriptCall)>,
    ) -> Vec<Result<Outcome>> {
        let writer = self.store().writer();
        let outcomes = writer.commit_many(operation, writes, self.retry_policy()).await;
        outcomes.iter().for_each(|outcome| self.note_time(outcome));
        outcomes
    }

    /// Creates items, as many as possible in one atomic step.
    pub(crate) async fn commit_inserts(
        &self,
        operation: &'static str,
        inserts: Vec<Insert>,
    ) -> Vec<Result<Outcome>> {
        let writer = self.store().writer();
        let outcomes = writer.commit_inserts(operation, &inserts, self.retry_policy()).await;
        outcomes.iter().for_each(|outcome| self.note_time(outcome));
        outcomes
    }

    fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy::for_at_most(self.store().settings().outcome_timeout)
    }

    fn note_time(&self, outcome: &Result<Outcome>) {
        if let Ok(Outcome::Restart { server_time: Some(time) }) = outcome {
            self.store().correct_clock(*time);
        }
    }
}
