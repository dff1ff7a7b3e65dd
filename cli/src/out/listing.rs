//! Lists of things (`ps`, `images`, `history`): a table, lines by a template, or JSON, all made
//! from the same rows.

use serde_json::Value;

use super::{
    Out,
    table::Table,
    template::{ParseError, RunError, Template},
};

/// The field that `{{.Label "key"}}` looks into: a map, and no column of its own.
pub const LABEL: &str = "Label";

/// How a list is to be shown.
#[derive(Debug)]
pub enum Format {
    /// `table TEMPLATE`: columns under headings.
    Table(Template),
    /// A line per row.
    Lines(Template),
    /// A JSON object per row.
    Json,
}

impl Format {
    /// What `--format` asks for; without it, `default` (the cells of a table).
    ///
    /// # Errors
    /// A template that does not parse.
    pub fn parse(asked: Option<&str>, default: &str) -> Result<Self, ParseError> {
        let cells = |text: &str| Template::parse(&text.replace("\\t", "\t").replace("\\n", "\n"));
        match asked.map(str::trim) {
            None | Some("" | "table") => cells(default).map(Self::Table),
            Some("json") => Ok(Self::Json),
            Some(text) => match text.strip_prefix("table ") {
                Some(text) => cells(text).map(Self::Table),
                None => cells(text).map(Self::Lines),
            },
        }
    }
}

/// Why a list could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The template asks for what the rows have not.
    #[error(transparent)]
    Template(#[from] RunError),
    /// The stream is closed.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// Shows rows (JSON objects). `heading` gives the column heading of a field.
///
/// # Errors
/// See [`ShowError`].
pub fn show(out: &mut Out, rows: &[Value], format: &Format, heading: &dyn Fn(&str) -> String) -> Result<(), ShowError> {
    match format {
        Format::Json => {
            for row in rows {
                out.line(base::gojson::to_string(&sorted(row)).map_err(std::io::Error::from)?)?;
            }
        }
        Format::Lines(template) => {
            for row in rows {
                out.line(template.run(row)?)?;
            }
        }
        Format::Table(template) => {
            let mut lines = vec![template.headers(heading)];
            for row in rows {
                lines.push(template.run(row)?);
            }
            out.text(Table::from_lines(lines.iter().map(String::as_str)))?;
        }
    }
    Ok(())
}

/// Go writes a map's keys in order.
fn sorted(row: &Value) -> Value {
    let Value::Object(map) = row else { return row.clone() };
    let mut entries: Vec<_> = map.iter().filter(|(key, _)| *key != LABEL).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The heading of a field that has none of its own: `CreatedAt` → `CREATED AT`.
pub fn plain_heading(field: &str) -> String {
    let mut heading = String::new();
    let mut after_lower = false;
    for letter in field.chars() {
        if letter.is_uppercase() && after_lower {
            heading.push(' ');
        }
        after_lower = letter.is_lowercase();
        heading.extend(letter.to_uppercase());
    }
    heading
}

#[cfg(test)]
mod tests {
    #[test]
    fn headings_are_words_of_the_field() {
        assert_eq!(super::plain_heading("CreatedAt"), "CREATED AT");
        assert_eq!(super::plain_heading("ID"), "ID");
        assert_eq!(super::plain_heading("LocalVolumes"), "LOCAL VOLUMES");
    }
}
