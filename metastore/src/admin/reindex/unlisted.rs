//! Items that are missing from the index of all items.

use super::checker::Checker;
use super::jobs::Queued;
use super::report::IndexReport;
use crate::document::Document;
use crate::error::Result;
use crate::key::{Id, Key, KeyKind};
use crate::redis::command::{Command, Reply, unexpected};

/// How many keys the server examines in one round trip.
const SCANNED: u64 = 1_000;

impl<T: Document> Checker<'_, T> {
    /// Finds such items by a scan of all keys of the server, and checks them.
    pub(super) async fn unlisted_items(
        &self,
        queued: &Queued<T>,
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
                |id: &Id| Command::new("ZSCORE").arg(at.index()).arg(id.as_str().to_owned());
            let scores = reader.each(ids.iter().map(score).collect()).await;
            let scores = scores.map_err(|fault| fault.into_error(self.operation))?;
            let missing =
                ids.iter().zip(scores).filter(|(_, score)| matches!(score, Ok(Reply::Nil)));
            let missing: Vec<String> = missing.map(|(id, _)| id.as_str().to_owned()).collect();
            let found = self.read(missing).await?;
            report.unlisted += found.len() as u64;
            self.check(found, queued, report).await?;
            cursor = next.as_text().unwrap_or("0").to_owned();
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}
