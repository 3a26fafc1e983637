//! Changing many items.

use futures_util::stream::{self, Stream};

use crate::document::Document;
use crate::document::item::Item;
use crate::document::patch::Patch;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, ToId};
use crate::redis::write::{UNTIMELY, WriteSet};
use crate::repo::bulk::Bulk;
use crate::repo::touch::Deadline;
use crate::repo::update::{Next, Scope};
use crate::repo::{Repo, checked_id};

const OPERATION: &str = "update_many";

impl<T: Document> Repo<T> {
    /// Sets the fields of a patch in each of many items. See [`Bulk`] for chunks, progress and memory.
    ///
    /// Two round trips for each chunk of 100: the documents are read, then written. An item that another
    /// write changes in between is updated by itself, as [`Repo::update`] by id does.
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

    /// As [`Repo::update_many`], for patches that come one after the other.
    pub fn update_stream<'a, K: ToId + Send + Sync + 'a>(
        &'a self,
        patches: impl Stream<Item = (K, T::Patch)> + Send + 'a,
    ) -> Bulk<'a, (K, T::Patch), Item<T>> {
        Bulk::new(patches, |chunk| {
            let checked = |(id, patch): (K, T::Patch)| (checked_id(&id, OPERATION), patch);
            self.update_chunk(chunk.into_iter().map(checked).collect())
        })
    }

    async fn update_chunk(&self, patches: Vec<(Result<Id>, T::Patch)>) -> Vec<Result<Item<T>>> {
        let ids: Vec<Id> = patches.iter().filter_map(|(id, _)| id.as_ref().ok()).cloned().collect();
        let mut bases = self.read_many(ids, OPERATION).await.into_iter();
        let mut steps: Vec<(Result<Step<T>>, T::Patch)> = Vec::with_capacity(patches.len());
        let mut commits = Vec::with_capacity(patches.len());
        for (id, patch) in patches {
            let step = id.and_then(|id| {
                let base = bases.next().unwrap_or(Ok(None))?;
                let base = base.ok_or_else(|| self.missing(&id, OPERATION))?;
                let mut document = base.data.clone();
                patch.clone().apply(&mut document);
                Ok(match self.next(&base, document, Scope::KnownFields, OPERATION)? {
                    Some(next) => {
                        let call = self.update_call(&base, &next);
                        commits.push((next.head.commit.clone(), WriteSet::Conditional(call)));
                        Step::Write(next)
                    }
                    None => {
                        let now = self.store().now();
                        let deadline =
                            Self::next_deadline(base.expires_at, Scope::KnownFields, now);
                        if matches!(deadline, Deadline::Keep) {
                            Step::Nothing(base.into_unchanged())
                        } else {
                            let until = deadline.after(None);
                            let call = self.touch_call(&base.id, until, now, Some(&base));
                            commits.push((base.commit.clone(), WriteSet::Conditional(call)));
                            Step::Renew(base.expiring(until).into_unchanged())
                        }
                    }
                })
            });
            steps.push((step, patch));
        }
        let mut verdicts = self.send_many(OPERATION, commits).await.into_iter();
        let mut results = Vec::with_capacity(steps.len());
        for (step, patch) in steps {
            let next = match step {
                Ok(Step::Write(next)) => next,
                Ok(Step::Nothing(item)) => {
                    results.push(Ok(item));
                    continue;
                }
                Ok(Step::Renew(item)) => {
                    results.push(match verdicts.next() {
                        Some(Ok(Some(verdict))) if verdict.code == 1 => Ok(item),
                        Some(Ok(_)) => self.update(&item.id, patch).await,
                        Some(Err(error)) => Err(error),
                        None => Err(self.missing(&item.id, OPERATION)),
                    });
                    continue;
                }
                Err(error) => {
                    results.push(Err(error));
                    continue;
                }
            };
            let id = next.head.id.clone();
            let written = match verdicts.next() {
                Some(Ok(Some(verdict))) if verdict.code == UNTIMELY => {
                    results.push(self.update(&id, patch).await);
                    continue;
                }
                Some(Ok(verdict)) => self.written(next, verdict, OPERATION),
                Some(Err(error)) => Err(error),
                None => Err(self.missing(&id, OPERATION)),
            };
            results.push(match written {
                Err(error) if is_stale(&error) => self.update(&id, patch).await,
                other => other,
            });
        }
        results
    }
}

/// What is to be done about one item.
enum Step<T> {
    Write(Next<T>),
    /// The patch changes nothing but when the item expires.
    Renew(Item<T>),
    /// The patch changes nothing.
    Nothing(Item<T>),
}

fn is_stale(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict { .. })
}
