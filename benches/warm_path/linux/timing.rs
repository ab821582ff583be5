//! Processes that take turns, and the table of their medians.

use std::hash::{BuildHasher, RandomState};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Result;

/// One program with its arguments and environment.
pub struct Row {
    pub name: &'static str,
    /// The size of the ID token, in bytes.
    pub size: Option<usize>,
    /// The index of the row of the `secret-tool` that looks up the same token.
    pub secret_tool: Option<usize>,
    command: Command,
}

impl Row {
    pub fn new(name: &'static str, size: Option<usize>, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Row { name, size, secret_tool: None, command }
    }
}

/// After a run the keyring's daemon still has work to do, which would count against the next run.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs each row once in every round, as `at_once` processes; a time lasts until the last of them has ended.
pub fn medians(rows: &mut [Row], rounds: usize, at_once: usize) -> Result<Vec<Duration>> {
    let mut times = vec![Vec::new(); rows.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let random = RandomState::new();
    // The first round warms the page cache and is not counted.
    for round in 0..=rounds {
        // Each round has another order, so that no row always follows the same one.
        order.sort_by_cached_key(|index| random.hash_one((round, *index)));
        for &index in &order {
            thread::sleep(PAUSE);
            let time = run(&mut rows[index], at_once)?;
            if round > 0 {
                times[index].push(time);
            }
        }
    }
    Ok(times.into_iter().map(median).collect())
}

pub fn median<T: Ord + Copy>(mut samples: Vec<T>) -> T {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// The largest ratio of the rows of this name to the row whose index `to` returns.
pub fn worst_ratio(rows: &[Row], medians: &[Duration], name: &str, to: &dyn Fn(&Row) -> Option<usize>) -> Option<f64> {
    let of_name = rows.iter().zip(medians).filter(|(row, _)| row.name == name);
    of_name.filter_map(|(row, time)| Some(ratio(*time, medians[to(row)?]))).reduce(f64::max)
}

pub fn print(rows: &[Row], alone: &[Duration], together: &[Duration]) {
    println!("{:<22}{:>7}{:>25}{:>29}", "", "token", "1 process", "8 at once");
    let titles = ["ms", "/ empty", "/ s-tool"].map(|title| format!("{title:>9}")).concat();
    println!("{:<22}{:>7}{titles}  {titles}", "", "bytes");
    for (index, row) in rows.iter().enumerate() {
        let size = row.size.map(|size| size.to_string()).unwrap_or_default();
        let cells = [alone, together].map(|medians| cells(index, row, medians));
        println!("{:<22}{size:>7}{}  {}", row.name, cells[0], cells[1]);
    }
}

fn cells(index: usize, row: &Row, medians: &[Duration]) -> String {
    let time = medians[index];
    let to_secret_tool = row.secret_tool.map(|other| format!("{:.2}", ratio(time, medians[other])));
    let milliseconds = time.as_secs_f64() * 1e3;
    format!("{milliseconds:>9.2}{:>9.2}{:>9}", ratio(time, medians[0]), to_secret_tool.unwrap_or_default())
}

fn ratio(time: Duration, other: Duration) -> f64 {
    time.as_secs_f64() / other.as_secs_f64()
}

fn run(row: &mut Row, at_once: usize) -> Result<Duration> {
    let started = Instant::now();
    let children = (0..at_once).map(|_| row.command.spawn()).collect::<std::io::Result<Vec<_>>>()?;
    let mut failed = 0;
    for mut child in children {
        failed += usize::from(!child.wait()?.success());
    }
    let time = started.elapsed();
    if failed > 0 {
        return Err(format!("{} failed, {failed} of {at_once} processes", row.name).into());
    }
    Ok(time)
}
