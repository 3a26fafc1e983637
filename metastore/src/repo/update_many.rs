//! Changing many items.

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::document::item::Item;
use crate::document::patch::Patch;
use crate::error::{ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::script::{ScriptCall, code};
use crate::redis::write::item::DeadlineChange;
use crate::redis::write::{Outcome, empty_reply};
use crate::repo::bulk::{Bulk, run_valid};
use crate::repo::scope::Scope;
use crate::repo::update::Next;
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "update_many";

impl<T: Document> Repo<T> {
    /// Sets the fields of a patch in each of many items. See [`Bulk`] for chunks,
    /// progress and memory.
    ///
    /// Two round trips for each chunk of 100: a read and a write. An item that another write
    /// changes between them is updated alone, as by [`Repo::update`] with an id.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Id, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>, ids: Vec<Id>) -> Result<(), metastore::Error> {
    /// let patches = ids.into_iter().map(|id| (id, Note::patch().title("Milk")));
    /// for result in notes.update_many(patches).await {
    ///     println!("version {}", result?.version);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_many<'a, K, I>(&'a self, patches: I) -> Bulk<'a, (K, T::Patch), Item<T>>
    where
        K: ToId + Send + Sync + 'a,
        I: IntoIterator<Item = (K, T::Patch)>,
        I::IntoIter: Send + 'a,
    {
        self.update_stream(stream::iter(patches))
    }

    /// As [`Repo::update_many`], for a stream of patches.
    pub fn update_stream<'a, K: ToId + Send + Sync + 'a>(
        &'a self,
        patches: impl Stream<Item = (K, T::Patch)> + Send + 'a,
    ) -> Bulk<'a, (K, T::Patch), Item<T>> {
        Bulk::new(patches, |chunk: Vec<(K, T::Patch)>| {
            let checked = |(id, patch): (K, T::Patch)| Ok((checked_id(&id, OPERATION)?, patch));
            let patches = chunk.into_iter().map(checked).collect();
            run_valid(patches, |patches| self.update_chunk(patches))
        })
    }

    async fn update_chunk(&self, patches: Vec<(Id, T::Patch)>) -> Vec<Result<Item<T>>> {
        let ids = patches.iter().map(|(id, _)| id.clone()).collect();
        let bases = self.read_many(ids, OPERATION).await;
        let plan = |id: &Id, patch: T::Patch, base: Result<Option<Item<T>>>| {
            let base = base?.ok_or_else(|| self.missing(id, OPERATION))?;
            self.plan_update(base, patch)
        };
        let planned = patches.into_iter().zip(bases);
        let planned = planned.map(|((id, patch), base)| plan(&id, patch, base)).collect();
        run_valid(planned, |planned| self.write_planned(planned)).await
    }

    fn plan_update(&self, base: Item<T>, patch: T::Patch) -> Result<Planned<T>> {
        let mut document = base.data.clone();
        patch.clone().apply(&mut document);
        if let Some(next) = self.next(&base, document, Scope::KnownFields, OPERATION)? {
            let write = (next.header.commit.clone(), self.update_script(&base, &next));
            return Ok(Planned { change: Change::Version(next), write: Some(write), patch });
        }
        let now = self.store().now();
        let deadline = Self::deadline_change(base.expires_at, Scope::KnownFields, now);
        if matches!(deadline, DeadlineChange::Keep) {
            let change = Change::Nothing(base.into_unchanged());
            return Ok(Planned { change, write: None, patch });
        }
        let deadline = deadline.after(None);
        let write = self.touch_script(&base.id, deadline, now, Some(&base));
        let write = Some((base.commit.clone(), write));
        let change = Change::Deadline(base.expiring(deadline).into_unchanged());
        Ok(Planned { change, write, patch })
    }

    async fn write_planned(&self, planned: Vec<Planned<T>>) -> Vec<Result<Item<T>>> {
        let mut writes = Vec::with_capacity(planned.len());
        let mut changes = Vec::with_capacity(planned.len());
        for Planned { change, write, patch } in planned {
            writes.extend(write);
            changes.push((change, patch));
        }
        let mut outcomes = self.commit_many(OPERATION, writes).await.into_iter();
        let mut next_outcome = || outcomes.next().unwrap_or_else(|| Err(empty_reply(OPERATION)));
        let mut results = Vec::with_capacity(changes.len());
        for (change, patch) in changes {
            results.push(match change {
                Change::Nothing(item) => Ok(item),
                Change::Deadline(item) => match next_outcome() {
                    Ok(Outcome::Verdict(verdict)) if verdict.code == code::DONE => Ok(item),
                    Ok(_) => self.update(&item.id, patch).await,
                    Err(error) => Err(error),
                },
                Change::Version(next) => {
                    let id = next.header.id.clone();
                    let updated = match next_outcome() {
                        Ok(Outcome::Restart { .. }) => None,
                        Ok(outcome) => Some(self.updated(next, outcome, OPERATION)),
                        Err(error) => Some(Err(error)),
                    };
                    match updated {
                        Some(result) if !is_stale(&result) => result,
                        _ => self.update(&id, patch).await,
                    }
                }
            });
        }
        results
    }
}

/// The update of one item.
struct Planned<T: Document> {
    change: Change<T>,
    /// The commit id and the script call, if there is something to write.
    write: Option<(String, ScriptCall)>,
    /// The patch, in case the item has to be read again.
    patch: T::Patch,
}

/// What an update changes.
enum Change<T> {
    /// The document.
    Version(Next<T>),
    /// Only when the item expires.
    Deadline(Item<T>),
    Nothing(Item<T>),
}

fn is_stale<T>(result: &Result<T>) -> bool {
    result.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Conflict { .. }))
}
