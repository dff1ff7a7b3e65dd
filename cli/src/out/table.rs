//! Tables as Go's tabwriter sets them for docker: cells left-aligned, three spaces between
//! columns, the last column not padded.

/// Rows of cells, set in columns.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    least: usize,
}

/// A column's least width with its space.
const LEAST: usize = 10;

impl Table {
    /// The table from lines whose cells are separated by tabs.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            rows: lines.into_iter().map(|line| line.split('\t').map(str::to_owned).collect()).collect(),
            least: LEAST,
        }
    }

    /// The same with columns at least so wide, the space between them included.
    #[must_use]
    pub fn with_columns_of(mut self, least: usize) -> Self {
        self.least = least;
        self
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter(|row| row.len() > column + 1).map(|row| cell_width(&row[column])).max()
        };
        let widths: Vec<_> = (0..columns).map(|column| (width(column).unwrap_or(0) + 3).max(self.least)).collect();
        for row in &self.rows {
            let Some((last, cells)) = row.split_last() else { continue };
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "{cell}{:1$}", "", width.saturating_sub(cell_width(cell)))?;
            }
            writeln!(f, "{last}")?;
        }
        Ok(())
    }
}

/// Go's tabwriter counts characters.
fn cell_width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_three() {
        let table = Table::from_lines(["CONTAINER ID\tIMAGE\tNAMES", "0123456789ab\tbusybox:1\tweb"]);
        assert_eq!(table.to_string(), "CONTAINER ID   IMAGE       NAMES\n0123456789ab   busybox:1   web\n");
    }
}
