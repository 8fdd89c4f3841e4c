//! Opening the store anew in a running node, after a write that failed.
//!
//! What a failed write has left behind is known only then: it may be in the write-ahead log and come back,
//! or not. RocksDB writes when it opens, about as much as its logs hold, so this waits until the disk has
//! room for that: an attempt that ran out of it would leave nobody anything to read.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::{OpenError, RocksStore, identity, recover};

/// Room that opening takes beside what the write-ahead logs hold, in bytes: tables, and RocksDB's own notes.
const MARGIN: u64 = 32 * 1024 * 1024;

/// How long an answer that is being read is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

/// What became of an attempt to open the store anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopened {
    /// It is open, holds whatever is on the disk, and can be written again.
    Done,
    /// The disk has not enough room yet; the store stays as it was.
    NoRoom {
        /// Bytes that are free.
        free: u64,
        /// Bytes that it takes.
        needed: u64,
    },
    /// Somebody reads from it, and goes on for longer than an answer takes; it stays as it was.
    InUse,
}

impl RocksStore {
    /// Closes the store and opens it again, if the disk has room and nobody reads from it.
    ///
    /// # Errors
    /// As [`open`](Self::open). The store is closed then, and answers nothing any more.
    pub fn reopen(&self) -> Result<Reopened, OpenError> {
        let read = OpenError::io("looking for room on the disk of", &self.path);
        let (free, needed) = room(&self.path).map_err(read)?;
        if free < needed {
            return Ok(Reopened::NoRoom { free, needed });
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Nobody begins to read meanwhile, so those who do come to an end, unless it is a long list.
        let begun = Instant::now();
        while state.db.as_ref().is_some_and(|db| Arc::strong_count(db) > 1) && begun.elapsed() < PATIENCE {
            std::thread::sleep(TICK);
        }
        match state.db.take().map(Arc::try_unwrap) {
            Some(Err(in_use)) => {
                state.db = Some(in_use);
                return Ok(Reopened::InUse);
            }
            // Closing releases RocksDB's own lock on the folder.
            Some(Ok(open)) => drop(open),
            None => {}
        }
        let db = recover::open(&self.path)?;
        identity::check(&db, &self.path, self.mesh)?;
        state.db = Some(Arc::new(db));
        state.failed = None;
        Ok(Reopened::Done)
    }
}

/// Bytes that are free on the disk of this folder, and that opening the store in it may take.
fn room(path: &Path) -> io::Result<(u64, u64)> {
    let disk = rustix::fs::statvfs(path)?;
    let mut needed = MARGIN;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|it| it == "log") {
            needed += entry.metadata()?.len();
        }
    }
    Ok((disk.f_bavail.saturating_mul(disk.f_frsize), needed))
}
