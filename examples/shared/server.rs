//! The server that the command line asks for.

use std::path::PathBuf;

use anyhow::bail;
use metastore::{Store, StoreOptions};

/// Where the data lives.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArgs {
    /// Keep the data in this folder, by a private server that runs as long as this program
    /// [default: the server that the variable `REDIS_URL` names].
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

impl ServerArgs {
    /// Opens the store with these options: in the folder, or else on the server in `REDIS_URL`.
    ///
    /// # Errors
    ///
    /// If neither is named, since a server that ends with each command would keep nothing for the
    /// next; and as [`Store::embedded_at`] and [`Store::connect`].
    pub async fn open(&self, options: StoreOptions) -> anyhow::Result<Store> {
        if let Some(folder) = &self.data {
            return Ok(options.embedded_at(folder).await?);
        }
        if std::env::var_os("REDIS_URL").is_none_or(|url| url.is_empty()) {
            bail!(
                "where is the data to be kept? name a folder by --data, or a server by REDIS_URL"
            );
        }
        Ok(options.from_env().await?)
    }
}
