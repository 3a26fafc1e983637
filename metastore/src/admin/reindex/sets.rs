//! What stands in indexes and belongs to nothing, and items that stand in none.

use bytes::Bytes;

use super::jobs::Waiting;
use super::{IndexReport, Walk};
use crate::document::Document;
use crate::error::Result;
use crate::key::{Key, KeyKind, Segment};
use crate::redis::command::{Command, Reply, unexpected};
use crate::redis::script::{ORPHANS, STRAYS, ScriptCall};

/// How many keys the server looks at in one round trip.
const SCANNED: u64 = 1_000;

impl<T: Document> Walk<'_, T> {
    /// Records of index entries whose items are gone, or are in no index of all items.
    pub(super) async fn strays(&self, report: &mut IndexReport) -> Result<()> {
        let at = self.repo.address();
        let mut cursor = "0".to_owned();
        loop {
            let call = ScriptCall::new(&STRAYS)
                .key(at.index())
                .keys(self.repo.id_sets())
                .arg(at.item_prefix())
                .arg(self.mend_arg())
                .arg(cursor);
            let mut verdict = self.repo.write(self.operation, "", call).await?;
            report.orphans += verdict.number(self.operation)?;
            cursor = verdict.text(self.operation)?;
            match cursor.as_str() {
                "0" => return Ok(()),
                // The first page has more to be mended than one call mends.
                "again" => cursor = "0".to_owned(),
                _ => {}
            }
        }
    }

    /// How many entries an index has.
    pub(super) async fn size(&self, segment: &Segment) -> Result<u64> {
        let key = self.repo.address().segment(segment);
        let size = self.repo.store().reader().call(Command::new("ZCARD").arg(key.clone())).await;
        let size = size.map_err(|fault| fault.into_error(self.operation).at(key))?;
        Ok(size.as_u64().unwrap_or(0))
    }

    /// Entries of one index that no item knows of.
    pub(super) async fn orphans(&self, segment: &Segment, report: &mut IndexReport) -> Result<()> {
        let mut position = Bytes::new();
        loop {
            let call = ScriptCall::new(&ORPHANS)
                .key(self.repo.address().index())
                .arg(segment.to_string())
                .arg(self.mend_arg())
                .arg(position);
            let mut verdict = self.repo.write(self.operation, "", call).await?;
            report.orphans += verdict.number(self.operation)?;
            position = verdict.rest.next().and_then(Reply::into_data).unwrap_or_default();
            if verdict.number(self.operation)? == 0 {
                return Ok(());
            }
        }
    }

    /// Items that the index of all items does not have, found by looking through all keys of the server.
    pub(super) async fn unlisted(
        &self,
        waiting: &Waiting<T>,
        report: &mut IndexReport,
    ) -> Result<()> {
        let at = self.repo.address();
        let reader = self.repo.store().reader();
        let pattern = at.latest_of("*");
        let mut cursor = "0".to_owned();
        loop {
            let scan = Command::new("SCAN").arg(cursor).arg("MATCH").arg(pattern.clone());
            let scan = scan.arg("COUNT").int(SCANNED);
            let page = reader.call(scan).await.map_err(|fault| fault.into_error(self.operation))?;
            let Some(Ok([next, keys])) = page.into_array().map(<[Reply; 2]>::try_from) else {
                return Err(unexpected(self.operation, &"no page of keys"));
            };
            let keys = keys.into_array().unwrap_or_default();
            let id_of = |key: &Reply| match Key::parse(key.as_text()?)?.kind {
                KeyKind::Latest(id) => Some(id),
                _ => None,
            };
            let ids: Vec<_> = keys.iter().filter_map(id_of).collect();
            let score =
                |id: &crate::Id| Command::new("ZSCORE").arg(at.index()).arg(id.as_str().to_owned());
            let scores = reader.each(ids.iter().map(score).collect()).await;
            let scores = scores.map_err(|fault| fault.into_error(self.operation))?;
            let missing =
                ids.iter().zip(scores).filter(|(_, score)| matches!(score, Ok(Reply::Nil)));
            let missing: Vec<String> = missing.map(|(id, _)| id.as_str().to_owned()).collect();
            let found = self.read(missing).await?;
            report.unlisted += found.len() as u64;
            self.look(found, waiting, report).await?;
            cursor = next.as_text().unwrap_or("0").to_owned();
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}
