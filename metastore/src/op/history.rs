//! Listing the versions of an item, without reading their documents.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::collection::Collection;
use crate::envelope::{HEAD_LEN, decode_head};
use crate::error::Result;
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
    /// Lists the versions of an item, the newest first, with their times and authors; empty if there
    /// is no such item.
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
        let Some(latest) = self.heads(vec![at.latest(&id)]).await?.pop().flatten() else {
            return Ok(Vec::new());
        };
        let mut next = latest.version.min(self.before);
        let mut versions = Vec::new();
        if latest.version < self.before && self.limit > 0 {
            versions.push(latest);
        }
        while next > 1 && (versions.len() as u64) < self.limit {
            let page = PAGE.min(next - 1).min(self.limit - versions.len() as u64);
            let keys = (next - page..next).rev().map(|number| at.version(&id, number)).collect();
            let heads = self.heads(keys).await?;
            versions.extend(heads.iter().flatten().cloned());
            // Older versions than a missing one are missing too: trimmed, or expired.
            if heads.iter().any(Option::is_none) {
                break;
            }
            next -= page;
        }
        Ok(versions)
    }

    async fn heads(&self, keys: Vec<String>) -> Result<Vec<Option<VersionInfo>>> {
        let commands = keys
            .iter()
            .map(|key| Command::new("GETRANGE").arg(key.clone()).int(0).int(HEAD_LEN as u64 - 1))
            .collect();
        let replies = self
            .repo
            .store()
            .reader()
            .pipeline(commands)
            .await
            .map_err(|fault| fault.into_error(OPERATION))?;
        let mut heads = Vec::with_capacity(keys.len());
        for (reply, key) in replies.into_iter().zip(keys) {
            heads.push(match reply.into_data() {
                Some(start) if !start.is_empty() => {
                    Some(decode_head(&start, &key, OPERATION)?.into())
                }
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
