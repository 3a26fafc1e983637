//! Which command does what.

use std::process::ExitCode;

use metastore::Store;
use metastore_examples::failure::explain;

use crate::args::{Args, Command};
use crate::document::Documents;
use crate::{change, history, import, list, show};

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = Store::options().actor(args.by.unwrap_or("document-store".to_owned()));
    let documents: Documents = args.server.open(options).await?.repo();
    let done = match args.command {
        Command::Import { paths, tags } => {
            import::import(&documents, &paths, &tags, args.json).await
        }
        Command::List { page } => list::list(&documents, &page).await,
        Command::Search { filter, by_words, page } => {
            list::search(&documents, &filter, by_words, &page).await
        }
        Command::History { document, limit, before } => {
            history::history(&documents, &document, limit, before).await
        }
        Command::Show { document, version, as_of } => {
            show::show(&documents, &document, version, as_of).await
        }
        Command::Stats { sample } => list::stats(&documents, sample).await,
        Command::Diff { document, from, to } => change::diff(&documents, &document, from, to).await,
        Command::Revert { document, version } => {
            change::revert(&documents, &document, version).await
        }
        Command::Remove { document } => change::remove(&documents, &document).await,
    };
    done.map_err(explain)?.print(args.json)?;
    Ok(ExitCode::SUCCESS)
}
