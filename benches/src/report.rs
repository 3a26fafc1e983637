//! The result, as a table and as JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::curve::Curve;
use crate::line::{LeftOut, Line};
use crate::machine::Machine;
use crate::settings::Settings;
use crate::versions::Versions;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) versions: Versions,
    pub(crate) command: String,
    pub(crate) settings: Settings,
    pub(crate) rows: Vec<Line>,
    pub(crate) left_out: Vec<LeftOut>,
    /// Empty when no chart was asked for.
    pub(crate) curves: Vec<Curve>,
}

impl Report {
    /// The medians of all runs, each with the spread of its ratios.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(Line::HEADER);
        table.add_rows(self.rows.iter().map(Line::cells));
        for figures in [2, 4, 5, 6, 7] {
            if let Some(column) = table.column_mut(figures) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        write(path, &json)
    }
}

/// Writes a file, with the directories above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let write = || {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, text)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
