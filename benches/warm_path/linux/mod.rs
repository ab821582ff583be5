//! The order of the measurements, and what is printed between them.

mod build;
mod gauge;
mod refresh;
mod stage;
mod stress;
mod timing;
mod verdict;

use std::error::Error;
use std::path::{Path, PathBuf};

use stage::Stage;
use timing::Row;
use verdict::Verdict;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Claims to add, in bytes, for an ID token of about 1.2 KB and one of about 3 KB.
const PADDINGS: [usize; 2] = [303, 1653];
const TOGETHER: usize = 8;

/// The programs that are built for the measurements.
struct Programs {
    kubekey: PathBuf,
    empty: PathBuf,
}

pub fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = Programs { kubekey: build::kubekey()?, empty: build::empty(folder.path())? };
    let stages = PADDINGS.iter().map(|padding| Stage::set(&programs.kubekey, *padding)).collect::<Result<Vec<_>>>()?;

    let mut verdict = Verdict::default();
    time(&programs, &stages, &mut verdict)?;
    weigh(&programs, &stages, &mut verdict)?;
    refresh::measure(&programs.kubekey, &mut verdict)?;
    stress::measure(&stages[0], amount("WARM_PATH_READS", 5000), &mut verdict)?;
    verdict.print();
    Ok(())
}

fn time(programs: &Programs, stages: &[Stage], verdict: &mut Verdict) -> Result<()> {
    let mut rows = rows(programs, stages)?;
    let rounds = amount("WARM_PATH_ROUNDS", 200);
    let alone = timing::medians(&mut rows, rounds, 1)?;
    let together = timing::medians(&mut rows, rounds.div_ceil(5), TOGETHER)?;
    println!("\nWall time of whole processes, medians of {rounds} interleaved rounds ({} for 8)\n", rounds.div_ceil(5));
    timing::print(&rows, &alone, &together);
    let worst = |name: &str, to: &dyn Fn(&Row) -> Option<usize>| timing::worst_ratio(&rows, &alone, name, to);
    verdict.add("kernel key / empty program", worst("kubekey, kernel key", &|_| Some(0)), 1.4, 2, "");
    verdict.add("keyring / secret-tool", worst("kubekey, keyring", &|row| row.secret_tool), 0.4, 2, "");
    Ok(())
}

/// The empty program is first. Programs that read a token come once for each size.
fn rows(programs: &Programs, stages: &[Stage]) -> Result<Vec<Row>> {
    let first = &stages[0];
    let mut rows = vec![
        Row::new("an empty program", None, first.command(&programs.empty)),
        Row::new("/bin/true", None, first.command(Path::new("/bin/true"))),
    ];
    for stage in stages {
        let secret_tool = stage.secret_tool().map(|command| {
            rows.push(Row::new("secret-tool lookup", Some(stage.token_size), command));
            rows.len() - 1
        });
        for storage in stage.usable() {
            let mut row = Row::new(storage.name, Some(stage.token_size), stage.kubekey(storage));
            row.secret_tool = secret_tool;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Memory, instructions and size on disk.
fn weigh(programs: &Programs, stages: &[Stage], verdict: &mut Verdict) -> Result<()> {
    println!("\n{:<28}{:>10}{:>14}{:>16}\n", "One run of", "token", "peak memory", "instructions");
    let stage = &stages[0];
    let empty = stage.command(&programs.empty);
    gauge::print("an empty program", None, gauge::peak_memory(&empty)?, gauge::instructions(&empty)?);
    let (mut memory, mut kernel) = (None, None);
    for stage in stages {
        for storage in stage.usable() {
            let command = stage.kubekey(storage);
            let (peak, instructions) = (gauge::peak_memory(&command)?, gauge::instructions(&command)?);
            gauge::print(storage.name, Some(stage.token_size), peak, instructions);
            memory = memory.max(peak);
            kernel = if storage.value == "kernel" { kernel.max(instructions) } else { kernel };
        }
    }
    let sign_in = stage::sign_in_memory(&programs.kubekey)?;
    gauge::print("a whole sign-in", None, sign_in, None);
    let size = std::fs::metadata(&programs.kubekey)?.len();
    println!("\nThe binary has {size} bytes.");

    verdict.add("instructions, kernel key", kernel.map(millions), 2.0, 2, "M");
    verdict.add("peak memory, warm", memory.map(millions), 5.0, 2, "MB");
    verdict.add("peak memory, sign-in", sign_in.map(millions), 12.0, 2, "MB");
    verdict.add("binary", Some(millions(size)), 5.6, 2, "MB");
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "rounded when it is printed")]
fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}

/// A number from the environment.
fn amount(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default).max(1)
}
