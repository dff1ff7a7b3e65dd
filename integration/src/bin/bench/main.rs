//! `make bench`: the same container work on minidock, on docker, and by runc alone, side by side in one run.
//!
//! Engines take turns within every round, so that a drift of the machine hits all alike: quote the ratios, not the
//! milliseconds. Flushes are counted, not timed, because a virtual disk hides what they cost.
//!
//! `bench [--rounds N] [--containers N] [--mib N] [--only create,run,…]`
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is what it is for")]

mod flushes;
mod memory;
mod table;
mod work;

use std::time::Instant;

use integration::{Driver, House, Side};
use table::Table;

/// What was asked for.
struct Wanted {
    rounds: usize,
    containers: usize,
    mib: usize,
    only: Vec<String>,
}

impl Wanted {
    fn from_args() -> Self {
        let args: Vec<_> = std::env::args().skip(1).collect();
        let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
        let number = |name: &str, or: usize| value(name).map_or(or, |text| text.parse().expect("a number"));
        Self {
            rounds: number("--rounds", 15),
            containers: number("--containers", 300),
            mib: number("--mib", 200),
            only: value("--only").map(|only| only.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        }
    }

    fn wants(&self, work: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == work)
    }
}

/// Times one piece of work on every engine in turn; the first round warms up and is not counted.
fn measure<'a>(
    table: &mut Table,
    work: &str,
    rounds: usize,
    engines: impl Iterator<Item = &'a House> + Clone,
    before: impl Fn(&House) -> Vec<String>,
    timed: impl Fn(&House, &[String]),
) {
    for round in 0..=rounds {
        for house in engines.clone() {
            let given = before(house);
            let began = Instant::now();
            timed(house, &given);
            if round > 0 {
                table.add(work, &name(house), began.elapsed());
            }
        }
    }
    eprintln!("  {work} done");
}

/// The engine's name in the tables.
fn name(house: &House) -> String {
    if house.is_ours() { "minidock".to_owned() } else { "docker".to_owned() }
}

fn main() {
    let wanted = Wanted::from_args();
    let mut table = Table::default();
    let houses = [House::open(&Side::under_test(), Driver::Overlay2), House::open(&Side::first(), Driver::Overlay2)];
    for house in &houses {
        house.load_golden();
    }
    println!("minidock beside {}, overlay2, {} rounds\n", houses[1].side().name(), wanted.rounds);
    work::all(&mut table, &wanted, &houses);
    if wanted.wants("memory") {
        memory::measure(&mut table, &houses);
    }
    println!("{table}");
    if wanted.wants("flushes") {
        println!("{}", flushes::counted(&houses[0]));
    }
}
