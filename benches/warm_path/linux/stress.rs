//! Many reads of the keyring by many processes at once. Its daemon is known to break under some clients.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use zbus5::blocking::connection::Builder;
use zbus5::blocking::fdo::DBusProxy;

use super::stage::{KEYRING, Stage};
use super::verdict::Verdict;
use super::{Result, TOGETHER};

pub fn measure(stage: &Stage, reads: usize, verdict: &mut Verdict) -> Result<()> {
    if !stage.usable().any(|storage| storage.value == KEYRING.value) {
        return Ok(());
    }
    let before = daemon_id(stage)?;
    let (taken, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let expected = stage.kubekey(KEYRING).output()?.stdout;
    thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                while taken.fetch_add(1, Ordering::Relaxed) < reads {
                    // Another token would come from another sign-in.
                    match stage.kubekey(KEYRING).output() {
                        Ok(read) if read.status.success() && read.stdout == expected => {}
                        read => {
                            println!("\nA read failed: {read:?}");
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    let same = daemon_id(stage).is_ok_and(|after| after == before);
    let fate = if same { "the same keyring daemon after" } else { "ANOTHER keyring daemon after" };
    println!("\n{reads} keyring reads by {TOGETHER} processes at once: {failed} failed, {fate}.");
    verdict.add("failed keyring reads", Some(u32::try_from(failed)?.into()), 0.0, 0, "");
    verdict.add("keyring daemons lost", Some(u32::from(!same).into()), 0.0, 0, "");
    Ok(())
}

/// The process ID of the current Secret Service.
fn daemon_id(stage: &Stage) -> Result<u32> {
    let connection = Builder::address(stage.home.keyring().address())?.build()?;
    let bus = DBusProxy::new(&connection)?;
    Ok(bus.get_connection_unix_process_id("org.freedesktop.secrets".try_into()?)?)
}
