//! The whole result: a table for people, and the same as JSON for programs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::cli::Settings;
use crate::line::Line;
use crate::machine::Machine;
use crate::versions::Versions;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) versions: Versions,
    pub(crate) command: String,
    pub(crate) settings: Settings,
    pub(crate) rows: Vec<Line>,
}

impl Report {
    /// The medians of all runs, each with the least and the greatest figure.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["", "metastore", "", "against", "", "", "times as fast", "", "unit"]);
        table.add_rows(self.rows.iter().map(Line::cells));
        for figures in [1, 2, 4, 5, 6, 7] {
            if let Some(column) = table.column_mut(figures) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let write = || {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            let mut json = serde_json::to_string_pretty(self)?;
            json.push('\n');
            fs::write(path, json).map_err(anyhow::Error::from)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}
