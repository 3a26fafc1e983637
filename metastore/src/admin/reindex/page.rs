//! The checks of a page of items.

use super::checker::Checker;
use super::items::Row;
use super::jobs::Queued;
use super::report::IndexReport;
use crate::document::Document;
use crate::error::Result;

impl<T: Document> Checker<'_, T> {
    /// Checks index entries, versions, audit entries and jobs of items.
    pub(super) async fn check(
        &self,
        rows: Vec<Row>,
        queued: &Queued<T>,
        report: &mut IndexReport,
    ) -> Result<()> {
        let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
        let headers = self.check_entries(rows, report).await?;
        self.missing_versions(&headers, report).await?;
        self.unaudited(&headers, report).await?;
        self.lost_jobs(queued, &ids, report).await
    }
}
