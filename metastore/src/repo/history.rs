//! Listing the versions of an item without their documents.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::document::Document;
use crate::document::envelope::{HEAD_LEN, decode_head};
use crate::document::header::Head;
use crate::document::item::VersionInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Id, InvalidId, ToId};
use crate::redis::command::{Command, Fault};
use crate::repo::Repo;

const OPERATION: &str = "versions";

/// How many versions one round trip reads.
const PAGE: u64 = 500;

/// The list ends after this many missing versions in a row: retention and expiry only remove the
/// oldest versions, and few are lost by accident.
const MAX_MISSING: u64 = 100;

/// A list of the versions of an item: set what you need, then `.await` it.
#[must_use = "versions are read when this is awaited"]
pub struct Versions<'a, T: Document> {
    repo: &'a Repo<T>,
    id: Result<Id, InvalidId>,
    limit: u64,
    before: u64,
}

impl<T: Document> Repo<T> {
    /// Lists the versions of an item, the newest first, with their times, actors and commits; empty
    /// if there is no such item. Versions that have expired, were removed by retention or cannot be
    /// read are left out, and the list ends where 100 versions in a row are missing.
    ///
    /// Only reads the first bytes of each version. One round trip for the current version, and one
    /// for each 500 older ones.
    pub fn versions(&self, id: impl ToId) -> Versions<'_, T> {
        Versions { repo: self, id: id.to_id(), limit: u64::MAX, before: u64::MAX }
    }
}

impl<'a, T: Document> Versions<'a, T> {
    /// The maximum number of versions. Default: all.
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Only versions before this one, to continue where a list with a limit ended.
    pub fn before(mut self, version: u64) -> Self {
        self.before = version;
        self
    }

    async fn read(self) -> Result<Vec<VersionInfo>> {
        let id = self.id.clone().map_err(|error| Error::from(error).during(OPERATION))?;
        let at = self.repo.address();
        let latest = self.repo.heads(vec![at.latest(&id)], OPERATION).await?.pop().flatten();
        let Some(latest) = latest else { return Ok(Vec::new()) };
        let created = latest.created;
        let mut next = latest.version.min(self.before);
        let mut versions = Vec::new();
        if latest.version < self.before && self.limit > 0 {
            versions.push(latest.into());
        }
        let mut missing = 0;
        while next > 1 && missing < MAX_MISSING && (versions.len() as u64) < self.limit {
            let wanted = self.limit - versions.len() as u64;
            let page =
                PAGE.min(next - 1).min(wanted.max(if missing > 0 { MAX_MISSING } else { 0 }));
            let keys: Vec<String> =
                (next - page..next).rev().map(|number| at.version(&id, number)).collect();
            for head in self.repo.each_head(&keys, OPERATION).await? {
                match head {
                    Ok(Some(head)) if head.created == created => {
                        missing = 0;
                        if (versions.len() as u64) < self.limit {
                            versions.push(head.into());
                        }
                    }
                    // A version of an earlier item with this id counts as missing.
                    Ok(_) => missing += 1,
                    Err(error) => {
                        missing = 0;
                        tracing::warn!(%error, "a version cannot be read and is not listed");
                    }
                }
            }
            next -= page;
        }
        Ok(versions)
    }
}

impl<T: Document> Repo<T> {
    /// Reads the heads of stored versions, in one round trip, and one more if some of them have
    /// longer heads, as other programs may write. A head that cannot be read has its own error.
    pub(crate) async fn each_head(
        &self,
        keys: &[String],
        operation: &'static str,
    ) -> Result<Vec<Result<Option<Head>>>> {
        let start = |key: &String| {
            Command::new("GETRANGE").arg(key.clone()).int(0).int(HEAD_LEN as u64 - 1)
        };
        let commands: Vec<Command> = keys.iter().map(start).collect();
        let reader = self.store().reader();
        let replies = match reader.pipeline(commands.clone()).await {
            Ok(replies) => Ok(replies.into_iter().map(Ok).collect()),
            // Each needs its own reply to tell which key has the wrong type.
            Err(Fault::Refused(ErrorKind::WrongType(_))) => reader.each(commands).await,
            Err(fault) => Err(fault),
        };
        let replies = replies.map_err(|fault| fault.into_error(operation))?;
        let mut heads = Vec::with_capacity(keys.len());
        let mut unread = Vec::new();
        for (reply, key) in replies.into_iter().zip(keys) {
            let start = match reply {
                Ok(reply) => reply.into_data().unwrap_or_default(),
                Err(Fault::Refused(kind @ ErrorKind::WrongType(_))) => {
                    heads.push(Err(Error::new(operation, kind).at(key)));
                    continue;
                }
                Err(fault) => return Err(fault.into_error(operation).at(key)),
            };
            if start.is_empty() {
                heads.push(Ok(None));
                continue;
            }
            let head = decode_head(&start, key, operation);
            if head.is_err() && start.len() == HEAD_LEN {
                unread.push((heads.len(), key.clone()));
            }
            heads.push(head.map(Some));
        }
        let keys: Vec<String> = unread.iter().map(|(_, key)| key.clone()).collect();
        let whole = reader.mget(&keys).await;
        let whole = whole.map_err(|fault| fault.into_error(operation))?;
        for ((position, key), json) in unread.into_iter().zip(whole) {
            if let Some(json) = json.into_data() {
                heads[position] = decode_head(&json, &key, operation).map(Some);
            }
        }
        Ok(heads)
    }

    /// As [`Repo::each_head`]; fails with the first head that cannot be read.
    pub(crate) async fn heads(
        &self,
        keys: Vec<String>,
        operation: &'static str,
    ) -> Result<Vec<Option<Head>>> {
        self.each_head(&keys, operation).await?.into_iter().collect()
    }
}

impl<'a, T: Document> IntoFuture for Versions<'a, T> {
    type Output = Result<Vec<VersionInfo>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
