//! Listing the versions of an item without their documents.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::document::Document;
use crate::document::envelope::{HEADER_LEN, decode_header};
use crate::document::header::Header;
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
        let latest = self.repo.headers(vec![at.latest(&id)], OPERATION).await?.pop().flatten();
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
            for header in self.repo.each_header(&keys, OPERATION).await? {
                match header {
                    Ok(Some(header)) if header.created == created => {
                        missing = 0;
                        if (versions.len() as u64) < self.limit {
                            versions.push(header.into());
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
    /// Reads the headers of stored versions, in one round trip, and one more for each 4 MiB of
    /// those that have longer headers, as other programs may write. A header that cannot be read
    /// has its own error.
    pub(crate) async fn each_header(
        &self,
        keys: &[String],
        operation: &'static str,
    ) -> Result<Vec<Result<Option<Header>>>> {
        let start = |key: &String| {
            Command::new("GETRANGE").arg(key.clone()).int(0).int(HEADER_LEN as u64 - 1)
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
        let mut headers = Vec::with_capacity(keys.len());
        let mut unread = Vec::new();
        for (reply, key) in replies.into_iter().zip(keys) {
            let start = match reply {
                Ok(reply) => reply.into_data().unwrap_or_default(),
                Err(Fault::Refused(kind @ ErrorKind::WrongType(_))) => {
                    headers.push(Err(Error::new(operation, kind).at(key)));
                    continue;
                }
                Err(fault) => return Err(fault.into_error(operation).at(key)),
            };
            if start.is_empty() {
                headers.push(Ok(None));
                continue;
            }
            let header = decode_header(&start, key, operation);
            if header.is_err() && start.len() == HEADER_LEN {
                unread.push((headers.len(), key.clone()));
            }
            headers.push(header.map(Some));
        }
        let keys: Vec<String> = unread.iter().map(|(_, key)| key.clone()).collect();
        let whole = self.read_documents(&keys, operation).await?;
        for ((position, key), json) in unread.into_iter().zip(whole) {
            if let Some(json) = json.into_data() {
                headers[position] = decode_header(&json, &key, operation).map(Some);
            }
        }
        Ok(headers)
    }

    /// As [`Repo::each_header`]; fails with the first header that cannot be read.
    pub(crate) async fn headers(
        &self,
        keys: Vec<String>,
        operation: &'static str,
    ) -> Result<Vec<Option<Header>>> {
        self.each_header(&keys, operation).await?.into_iter().collect()
    }
}

impl<'a, T: Document> IntoFuture for Versions<'a, T> {
    type Output = Result<Vec<VersionInfo>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
