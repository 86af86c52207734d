//! Files that one xtask at a time may hold. The kernel lets go of them however that xtask ends, so none goes stale.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};

use crate::say::say;

/// The file, locked until it is dropped; `None` while another process holds it.
pub(crate) fn try_lock(path: &Path) -> Result<Option<File>> {
    let cannot = || format!("cannot lock {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    let file = File::create(path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}

/// The file, locked until it is dropped. Waits for another process that holds it, saying that it is busy `doing` it.
pub(crate) fn lock(path: &Path, doing: &str) -> Result<File> {
    if let Some(file) = try_lock(path)? {
        return Ok(file);
    }
    say!("waiting for another xtask that is {doing}");
    let file = File::create(path).with_context(|| format!("cannot lock {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn one_holds_it_and_the_next_waits() {
        let path = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        let held = try_lock(&path).expect("lockable").expect("free");
        assert!(try_lock(&path).expect("lockable").is_none());
        let begun = Instant::now();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| lock(&path, "testing").map(|_| begun.elapsed()));
            thread::sleep(Duration::from_millis(200));
            drop(held);
            let waited = waiting.join().expect("no panic").expect("locked in the end");
            assert!(waited >= Duration::from_millis(200), "{waited:?}");
        });
        fs::remove_file(path).expect("cleaned");
    }
}
