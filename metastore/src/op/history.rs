//! Listing the versions of an item, without reading their documents.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::collection::Collection;
use crate::envelope::{HEAD_LEN, decode_head};
use crate::error::Result;
use crate::head::Head;
use crate::item::VersionInfo;
use crate::key::{Id, InvalidId, ToId};
use crate::redis::command::Command;
use crate::repo::Repo;

const OPERATION: &str = "versions";

/// How many versions are asked for in one round trip.
const PAGE: u64 = 500;

/// The versions of an item to be listed: set what you need, then `.await` it.
#[must_use = "versions are read when this is awaited"]
pub struct Versions<'a, T: Collection> {
    repo: &'a Repo<T>,
    id: Result<Id, InvalidId>,
    limit: u64,
    before: u64,
}

impl<T: Collection> Repo<T> {
    /// Lists the versions of an item, the newest first, with their times, authors and commits; empty if
    /// there is no such item. The list ends before the first version that has expired or that retention
    /// has removed.
    ///
    /// Reads the first bytes of each version and no document: one round trip, and one for each
    /// further 500 versions.
    pub fn versions(&self, id: impl ToId) -> Versions<'_, T> {
        Versions { repo: self, id: id.to_id(), limit: u64::MAX, before: u64::MAX }
    }
}

impl<'a, T: Collection> Versions<'a, T> {
    /// At most this many. Default: all.
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Only versions before this one, to go on where a list with a limit ended.
    pub fn before(mut self, version: u64) -> Self {
        self.before = version;
        self
    }

    async fn read(self) -> Result<Vec<VersionInfo>> {
        let id = self.id.clone().map_err(|error| crate::Error::from(error).during(OPERATION))?;
        let at = self.repo.address();
        let latest = self.repo.heads(vec![at.latest(&id)], OPERATION).await?.pop().flatten();
        let Some(latest) = latest else { return Ok(Vec::new()) };
        let created = latest.created;
        let mut next = latest.version.min(self.before);
        let mut versions = Vec::new();
        if latest.version < self.before && self.limit > 0 {
            versions.push(latest.into());
        }
        while next > 1 && (versions.len() as u64) < self.limit {
            let page = PAGE.min(next - 1).min(self.limit - versions.len() as u64);
            let keys = (next - page..next).rev().map(|number| at.version(&id, number)).collect();
            let heads = self.repo.heads(keys, OPERATION).await?;
            for head in heads {
                match head {
                    Some(head) if head.created == created => versions.push(head.into()),
                    // Older versions than a missing one are missing too: trimmed, or expired. What is
                    // there nevertheless is of an earlier item with this id.
                    _ => return Ok(versions),
                }
            }
            next -= page;
        }
        Ok(versions)
    }
}

impl<T: Collection> Repo<T> {
    /// Reads the heads of stored versions, in one round trip.
    pub(crate) async fn heads(
        &self,
        keys: Vec<String>,
        operation: &'static str,
    ) -> Result<Vec<Option<Head>>> {
        let commands = keys
            .iter()
            .map(|key| Command::new("GETRANGE").arg(key.clone()).int(0).int(HEAD_LEN as u64 - 1))
            .collect();
        let replies = self
            .store()
            .reader()
            .pipeline(commands)
            .await
            .map_err(|fault| fault.into_error(operation))?;
        let mut heads = Vec::with_capacity(keys.len());
        for (reply, key) in replies.into_iter().zip(keys) {
            heads.push(match reply.into_data() {
                Some(start) if !start.is_empty() => Some(decode_head(&start, &key, operation)?),
                _ => None,
            });
        }
        Ok(heads)
    }
}

impl<'a, T: Collection> IntoFuture for Versions<'a, T> {
    type Output = Result<Vec<VersionInfo>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
