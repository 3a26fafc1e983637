//! Missing versions, and items whose creation is not in the audit.

use super::checker::Checker;
use super::report::IndexReport;
use crate::document::Document;
use crate::document::header::Header;
use crate::error::Result;
use crate::redis::command::{Command, Reply};

/// How many versions one round trip looks for. Where so many in a row are missing, the history
/// begins: retention and expiry remove the oldest versions.
const PAGE: u64 = 500;

impl<T: Document> Checker<'_, T> {
    /// Lists the missing versions between two that exist.
    pub(super) async fn missing_versions(
        &self,
        headers: &[Header],
        report: &mut IndexReport,
    ) -> Result<()> {
        let at = self.repo.address();
        for header in headers.iter().filter(|header| header.version > 1) {
            let mut missing = Vec::new();
            let mut next = header.version;
            while next > 1 {
                let first = next.saturating_sub(PAGE).max(1);
                let numbers: Vec<u64> = (first..next).rev().collect();
                let keys: Vec<String> =
                    numbers.iter().map(|number| at.version(&header.id, *number)).collect();
                let found = self.count_existing(&keys).await?;
                if found == 0 {
                    break;
                }
                if found < numbers.len() as u64 || !missing.is_empty() {
                    for (number, key) in numbers.into_iter().zip(keys) {
                        if self.count_existing(&[key]).await? == 0 {
                            missing.push(number);
                            continue;
                        }
                        for number in missing.drain(..) {
                            report.missing_versions += 1;
                            report.list(header.id.as_str(), format!("version {number} is missing"));
                        }
                    }
                }
                next = first;
            }
        }
        Ok(())
    }

    async fn count_existing(&self, keys: &[String]) -> Result<u64> {
        let command = Command::new("EXISTS").args(keys.iter().cloned());
        let found = self.repo.store().reader().call(command).await;
        let found = found.map_err(|fault| fault.into_error(self.operation))?;
        Ok(found.as_u64().unwrap_or(0))
    }

    /// Lists the items whose trail has no entry of their creation although it was never trimmed.
    pub(super) async fn unaudited(
        &self,
        headers: &[Header],
        report: &mut IndexReport,
    ) -> Result<()> {
        if !self.repo.audits() {
            return Ok(());
        }
        let at = self.repo.address();
        let first = |header: &Header| {
            Command::new("XRANGE").arg(at.audit(&header.id)).arg("-").arg("+").arg("COUNT").arg("1")
        };
        let found = self.repo.store().reader().each(headers.iter().map(first).collect()).await;
        let found = found.map_err(|fault| fault.into_error(self.operation))?;
        for (header, entries) in headers.iter().zip(found) {
            let trail = at.audit(&header.id);
            let entries =
                entries.map_err(|fault| fault.into_error(self.operation).at(trail.clone()))?;
            if has_commit(&entries, header.origin()) {
                continue;
            }
            // The trail may begin with an earlier item of the same id, or was trimmed because it
            // was long.
            let whole = Command::new("XRANGE").arg(trail.clone()).arg("-").arg("+");
            let entries = self.repo.store().reader().call(whole).await;
            let entries = entries.map_err(|fault| fault.into_error(self.operation).at(trail))?;
            let length = entries.clone().into_array().unwrap_or_default().len() as u64;
            let trimmed = length >= self.repo.store().settings().audit_trail_length;
            if !trimmed && !has_commit(&entries, header.origin()) {
                report.unaudited += 1;
                let reason = "its audit trail has no entry of its creation".to_owned();
                report.list(header.id.as_str(), reason);
            }
        }
        Ok(())
    }
}

/// Whether one of the entries has this commit id.
fn has_commit(entries: &Reply, commit: &str) -> bool {
    let Reply::Array(entries) = entries else { return false };
    entries.iter().any(|entry| {
        let Reply::Array(parts) = entry else { return false };
        let Some(Reply::Array(fields)) = parts.get(1) else { return false };
        let of_commit = |pair: &[Reply]| {
            pair[0].as_text() == Some("commit")
                && pair.get(1).and_then(Reply::as_text) == Some(commit)
        };
        fields.chunks(2).any(of_commit)
    })
}
