//! A refresh against a provider that is 50 ms away, with and without the provider's metadata on disk.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::stage::{KEYRING, Stage};
use super::timing::median;
use super::verdict::Verdict;
use super::{Result, amount};

const DELAY: Duration = Duration::from_millis(50);
/// In seconds. A token with so short a lifetime has expired when it arrives: every run refreshes.
const LIFETIME: i64 = 5;

pub fn measure(kubekey: &Path, verdict: &mut Verdict) -> Result<()> {
    let stage = Stage::empty(kubekey);
    stage.provider.configure(|behaviour| behaviour.lifetime = LIFETIME);
    refresh_once(&stage)?;
    stage.provider.configure(|behaviour| behaviour.delay = DELAY);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..amount("WARM_PATH_ROUNDS", 200).div_ceil(20) {
        remove_metadata(&stage)?;
        without.push(refresh_once(&stage)?);
        with.push(refresh_once(&stage)?);
    }
    if stage.home.browser.urls().len() != 1 {
        return Err("a refresh ended in the browser".into());
    }
    println!("\n{:<28}{:>10}{:>12}\n", "A refresh, 50 ms away", "requests", "wall time");
    print("without cached metadata", &without);
    print("with cached metadata", &with);
    let most = with.iter().map(|(requests, _)| *requests).max();
    verdict.add("requests of a refresh", most.map(f64::from), 1.0, 0, "");
    Ok(())
}

/// The number of its requests, and its time.
fn refresh_once(stage: &Stage) -> Result<(u32, Duration)> {
    stage.provider.forget_requests();
    let finished = stage.run(KEYRING);
    if !finished.status.success() {
        return Err(format!("no refresh: {}", finished.stderr).into());
    }
    Ok((stage.provider.count_all().try_into()?, finished.took))
}

fn remove_metadata(stage: &Stage) -> Result<()> {
    match fs::remove_dir_all(stage.home.cache().join("kubekey")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn print(name: &str, runs: &[(u32, Duration)]) {
    let requests = median(runs.iter().map(|run| run.0).collect());
    let time = median(runs.iter().map(|run| run.1).collect());
    println!("{name:<28}{requests:>10}{:>9} ms", time.as_millis());
}
