//! Index entries and records that belong to no item.

use bytes::Bytes;

use super::checker::Checker;
use super::report::IndexReport;
use crate::document::Document;
use crate::error::Result;
use crate::key::Segment;
use crate::redis::command::{Command, Reply};
use crate::redis::script::{ORPHANS, STRAYS, ScriptCall};

impl<T: Document> Checker<'_, T> {
    /// Records of index entries whose items do not exist, or are missing from the index of all
    /// items.
    pub(super) async fn stray_records(&self, report: &mut IndexReport) -> Result<()> {
        let at = self.repo.address();
        let mut cursor = "0".to_owned();
        loop {
            let call = ScriptCall::new(&STRAYS)
                .key(at.index())
                .keys(self.repo.id_sets())
                .address(at)
                .arg(self.repair_arg())
                .arg(cursor);
            let mut verdict = self.repo.write(self.operation, "", call).await?;
            report.orphans += verdict.number(self.operation)?;
            cursor = verdict.text(self.operation)?;
            match cursor.as_str() {
                "0" => return Ok(()),
                // The first page has more to repair than one call repairs.
                "again" => cursor = "0".to_owned(),
                _ => {}
            }
        }
    }

    /// The number of entries in an index.
    pub(super) async fn size_of(&self, segment: &Segment) -> Result<u64> {
        let key = self.repo.address().segment(segment);
        let size = self.repo.store().reader().call(Command::new("ZCARD").arg(key.clone())).await;
        let size = size.map_err(|fault| fault.into_error(self.operation).at(key))?;
        Ok(size.as_u64().unwrap_or(0))
    }

    /// Entries of one index that are in no item's record.
    pub(super) async fn orphans(&self, segment: &Segment, report: &mut IndexReport) -> Result<()> {
        let mut position = Bytes::new();
        loop {
            let call = ScriptCall::new(&ORPHANS)
                .key(self.repo.address().index())
                .address(self.repo.address())
                .arg(segment.to_string())
                .arg(self.repair_arg())
                .arg(position);
            let mut verdict = self.repo.write(self.operation, "", call).await?;
            report.orphans += verdict.number(self.operation)?;
            position = verdict.rest.next().and_then(Reply::into_data).unwrap_or_default();
            if verdict.number(self.operation)? == 0 {
                return Ok(());
            }
        }
    }
}
