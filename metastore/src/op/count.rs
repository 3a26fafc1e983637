//! Counting items.

use crate::collection::Collection;
use crate::error::Result;
use crate::redis::command::{Command, Reply};
use crate::repo::Repo;

impl<T: Collection> Repo<T> {
    /// How many items there are; expired ones do not count.
    ///
    /// One round trip, whose cost does not grow with the number of items.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    pub async fn count(&self) -> Result<u64> {
        let at = self.address();
        let now = self.store().now().as_millis();
        let commands = vec![
            Command::new("ZCARD").arg(at.index()),
            Command::new("ZCOUNT").arg(at.expiry()).arg("-inf").int(now),
        ];
        let replies = self
            .store()
            .reader()
            .pipeline(commands)
            .await
            .map_err(|fault| fault.into_error("count").at(at.index()))?;
        let numbers: Vec<u64> = replies.iter().filter_map(Reply::as_u64).collect();
        match numbers[..] {
            [all, expired] => Ok(all.saturating_sub(expired)),
            _ => Err(crate::redis::command::unexpected("count", &replies)),
        }
    }
}
