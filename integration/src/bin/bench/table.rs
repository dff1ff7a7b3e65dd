//! The table at the end: medians, and the ratio to docker in the same run.

use std::fmt;
use std::time::Duration;

/// Measured values by work and engine, in order of their coming.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Work>);

#[derive(Debug, Default)]
struct Work {
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug, Default)]
struct Row {
    engine: String,
    values: Vec<f64>,
}

/// What the ratio to docker (or, where said, to runc) should not exceed.
const LIMITS: [(&str, f64); 4] = [("create", 0.3), ("run --rm", 0.15), ("rm", 0.5), ("ps -a with 300", 0.5)];

impl Table {
    /// Adds a time, in milliseconds.
    pub(crate) fn add(&mut self, work: &str, engine: &str, took: Duration) {
        self.note(work, engine, took.as_secs_f64() * 1000.0);
    }

    /// Adds any value.
    pub(crate) fn note(&mut self, work: &str, engine: &str, value: f64) {
        let at = self.0.iter().position(|known| known.name == work).unwrap_or_else(|| {
            self.0.push(Work { name: work.to_owned(), rows: Vec::new() });
            self.0.len() - 1
        });
        let rows = &mut self.0[at].rows;
        match rows.iter_mut().find(|row| row.engine == engine) {
            Some(row) => row.values.push(value),
            None => rows.push(Row { engine: engine.to_owned(), values: vec![value] }),
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| work | engine | median ms | min | max | minidock is x of it | should be |\n|---|---|---|---|---|---|---|"
        )?;
        for Work { name: work, rows } in &self.0 {
            let ours = rows.iter().find(|row| row.engine == "minidock").map(|row| median(&row.values));
            for Row { engine, values } in rows {
                let ratio = ours.map_or(String::new(), |ours| format!("{:.2}", ours / median(values)));
                let limit = match engine.as_str() {
                    "docker" => LIMITS.iter().find(|(name, _)| name == work).map(|(_, limit)| format!("≤ {limit}")),
                    "runc alone" => Some("≤ 1.2".to_owned()),
                    _ => None,
                };
                let (least, most) = values
                    .iter()
                    .fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
                let limit = limit.unwrap_or_default();
                writeln!(
                    out,
                    "| {work} | {engine} | {:.1} | {least:.1} | {most:.1} | {ratio} | {limit} |",
                    median(values)
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_medians() {
        let mut table = Table::default();
        for (ours, theirs) in [(10, 100), (30, 90), (20, 80)] {
            table.add("create", "minidock", Duration::from_millis(ours));
            table.add("create", "docker", Duration::from_millis(theirs));
        }
        let text = table.to_string();
        assert!(text.contains("| create | docker | 90.0 | 80.0 | 100.0 | 0.22 | ≤ 0.3 |"), "{text}");
    }
}
