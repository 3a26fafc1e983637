//! A run of the program: one command, or the story.

use std::process::ExitCode;

use metastore::Store;

use crate::args::{Args, Command};
use crate::obey::obey;
use crate::repo::MyRepo;
use crate::story;

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shown = if let Command::Demo = args.command {
        story::play(args.json).await?
    } else {
        let repo = MyRepo::with_store(&args.server.open(Store::options()).await?);
        obey(&repo, args.command).await?
    };
    shown.print(args.json)?;
    Ok(ExitCode::SUCCESS)
}
