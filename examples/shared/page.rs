//! Which page of a list the command line asks for.

use metastore::{Collection, Cursor, Page, Query, Sorting};

/// One page of a list.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PageArgs {
    /// At most this many on a page, up to 1000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: Option<u16>,

    /// Go on where an earlier page ended.
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<Cursor>,
}

impl PageArgs {
    /// The query for this page; `usual` is the limit if none was given.
    pub fn of<'a, T: Collection, O: Sorting>(
        &self,
        query: Query<'a, T, O>,
        usual: u16,
    ) -> Query<'a, T, O> {
        let query = query.limit(self.limit.unwrap_or(usual).into());
        match &self.after {
            Some(cursor) => query.after(cursor),
            None => query,
        }
    }
}

/// How to ask for the next page; empty on the last one.
#[must_use]
pub fn next<I>(page: &Page<I>) -> String {
    page.next.as_ref().map(|cursor| format!("\nmore: --after {cursor}")).unwrap_or_default()
}
