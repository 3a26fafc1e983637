//! Tables.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, Table};

use crate::shown::line;

/// The width of a table where there is no terminal to fill.
const WIDTH: u16 = 120;

/// A table with this header, in the manner of all examples.
#[must_use]
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_truncation_indicator("…")
        .set_header(header);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    table
}

/// Adds a row of one line, made harmless.
pub fn add_row<const N: usize>(table: &mut Table, cells: [String; N]) {
    let mut row = Row::from(cells.map(|cell| line(&cell)));
    row.max_height(1);
    table.add_row(row);
}

/// Aligns these columns, which hold numbers, on the right.
pub fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for position in columns {
        if let Some(column) = table.column_mut(position) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Never shortens these columns; the others share what is left.
pub fn keep_whole(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for position in columns {
        if let Some(column) = table.column_mut(position) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}
