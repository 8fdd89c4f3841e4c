//! A list that is too long to be kept in memory: it is made at full speed into a file without a name, and sent from there
//! as fast as its client takes it. A slow client holds no thread, and no moment of the store.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use certmesh_engine::store::StoreError;
use certmesh_engine::tokens::TokenId;
use tokio::sync::watch;

use super::FeedFault;

/// Bytes that are sent together.
const PIECE_BYTES: u64 = 128 * 1024;
/// Room that the disk keeps for the store, in bytes.
const RESERVE: u64 = 256 * 1024 * 1024;

/// Files that there are at once, being made or sent: no reader fills the disk, or keeps all threads.
const SPOOLS: usize = 4;
/// Those of one token, so that others get theirs.
const OF_ONE: usize = 2;
/// How long one may take to be sent: a list of 40 MB at 11 kB a second.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Where files are made.
#[derive(Clone)]
pub(super) struct Spools {
    folder: Arc<Path>,
    taken: Arc<Mutex<Vec<Option<TokenId>>>>,
}

/// A file without a name, and its place among those that there may be.
struct Nameless {
    file: File,
    _place: Place,
}

/// Given back when it is dropped.
struct Place {
    whose: Option<TokenId>,
    taken: Arc<Mutex<Vec<Option<TokenId>>>>,
}

impl Place {
    fn take(taken: &Arc<Mutex<Vec<Option<TokenId>>>>, whose: Option<TokenId>) -> Option<Self> {
        let mut all = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.iter().filter(|one| **one == whose).count();
        // The operators' own come from cron, one after the other or all at once; they leave one to the tools.
        let most = if whose.is_some() { OF_ONE } else { SPOOLS - 1 };
        if all.len() == SPOOLS || own == most {
            return None;
        }
        all.push(whose);
        Some(Self { whose, taken: Arc::clone(taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|one| *one == self.whose) {
            all.swap_remove(at);
        }
    }
}

/// A file in the making.
pub(super) struct Spool {
    file: Arc<Nameless>,
    written: watch::Sender<Written>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
struct Written {
    len: u64,
    /// What became of it, when it is done.
    outcome: Option<Result<(), FeedFault>>,
}

/// The same file, for who sends it.
pub(super) struct Spooled {
    file: Arc<Nameless>,
    written: watch::Receiver<Written>,
    sent: u64,
    until: Instant,
}

impl Spools {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), taken: Arc::default() }
    }

    /// A file that is gone when nobody has it open any more, whatever becomes of the process; for the bearer of a token, or
    /// for an operator.
    pub(super) fn begin(&self, whose: Option<TokenId>) -> Result<(Spool, Spooled), FeedFault> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let place = Place::take(&self.taken, whose).ok_or(FeedFault::Busy)?;
        let name = format!("list-{}.tmp", NUMBER.fetch_add(1, Ordering::Relaxed));
        let file = nameless(&self.folder.join(name)).map_err(failed)?;
        let file = Arc::new(Nameless { file, _place: place });
        let (written, read) = watch::channel(Written::default());
        let spooled =
            Spooled { file: Arc::clone(&file), written: read, sent: 0, until: Instant::now() + PATIENCE };
        Ok((Spool { file, written }, spooled))
    }
}

/// A file that nobody else can open: it loses its name at once.
fn nameless(path: &Path) -> io::Result<File> {
    // A process that was killed between the two steps left it.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

impl Spool {
    pub(super) fn is_read(&self) -> bool {
        !self.written.is_closed()
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        let disk = rustix::fs::fstatvfs(&self.file.file).map_err(|e| failed(e.into()))?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < RESERVE + piece.len() as u64 {
            return Err(failed(io::ErrorKind::StorageFull.into()));
        }
        (&self.file.file).write_all(piece).map_err(failed)?;
        self.written.send_modify(|written| written.len += piece.len() as u64);
        Ok(())
    }

    /// Nothing more comes.
    pub(super) fn end(self, outcome: Result<(), FeedFault>) {
        self.written.send_modify(|written| written.outcome = Some(outcome));
    }
}

impl Spooled {
    /// The next piece, as soon as it is written; nothing after the last one.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, FeedFault>> {
        if Instant::now() > self.until {
            return Some(Err(FeedFault::Slow));
        }
        loop {
            let written = self.written.borrow_and_update().clone();
            if self.sent < written.len {
                let piece = self.read(PIECE_BYTES.min(written.len - self.sent)).await;
                self.sent += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                return Some(piece.map_err(FeedFault::from));
            }
            match written.outcome {
                Some(outcome) => return outcome.err().map(Err),
                None if self.written.changed().await.is_err() => return Some(Err(stopped().into())),
                None => {}
            }
        }
    }

    async fn read(&self, len: u64) -> Result<Bytes, StoreError> {
        let (file, at, mut piece) = (Arc::clone(&self.file), self.sent, vec![0; len as usize]);
        let reading = tokio::task::spawn_blocking(move || {
            file.file.read_exact_at(&mut piece, at).map_err(failed)?;
            Ok(piece.into())
        });
        reading.await.map_err(|_| stopped())?
    }
}

fn failed(error: io::Error) -> StoreError {
    StoreError { doing: "writing a long list beside it", cause: error.to_string() }
}

fn stopped() -> StoreError {
    StoreError { doing: "reading", cause: "the node is stopping".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut spooled: Spooled) -> Result<Vec<u8>, FeedFault> {
        let mut text = Vec::new();
        while let Some(piece) = spooled.next().await {
            text.extend_from_slice(&piece?);
        }
        Ok(text)
    }

    #[tokio::test]
    async fn it_is_made_without_waiting_for_its_reader_who_gets_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, spooled) = Spools::new(folder.path()).begin(None).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has no name");
        let piece = vec![7; 300_000];
        for _ in 0..20 {
            spool.write(&piece).unwrap();
        }
        let reading = tokio::spawn(all(spooled));
        spool.write(b"the end").unwrap();
        spool.end(Ok(()));
        let text = reading.await.unwrap().unwrap();
        assert_eq!(text.len(), 20 * piece.len() + 7);
        assert!(text.ends_with(b"the end"));
    }

    #[tokio::test]
    async fn there_are_few_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let spools = Spools::new(folder.path());
        let token = |digit: &str| Some(digit.repeat(12).parse().unwrap());
        let mut all: Vec<_> = (0..OF_ONE).map(|_| spools.begin(token("1")).unwrap()).collect();
        assert!(matches!(spools.begin(token("1")), Err(FeedFault::Busy)), "the rest is for others");
        all.truncate(1);
        all.extend((1..SPOOLS).map(|_| spools.begin(None).unwrap()));
        assert!(matches!(spools.begin(token("2")), Err(FeedFault::Busy)));
        drop(all.remove(0));
        assert!(matches!(spools.begin(None), Err(FeedFault::Busy)), "the operators leave one");
        all.push(spools.begin(token("2")).unwrap());
        // One that is made is still on the disk, until it is sent.
        let (spool, spooled) = all.pop().unwrap();
        spool.end(Ok(()));
        assert!(spools.begin(token("2")).is_err());
        drop(spooled);
        assert!(spools.begin(token("2")).is_ok());
    }

    #[tokio::test]
    async fn who_takes_for_ever_does_not_get_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, mut spooled) = Spools::new(folder.path()).begin(None).unwrap();
        spool.write(b"a").unwrap();
        assert!(spooled.next().await.unwrap().is_ok());
        spooled.until = Instant::now();
        spool.write(b"b").unwrap();
        assert!(matches!(spooled.next().await, Some(Err(FeedFault::Slow))));
    }

    #[tokio::test]
    async fn what_went_wrong_is_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, spooled) = Spools::new(folder.path()).begin(None).unwrap();
        spool.write(b"a").unwrap();
        spool.end(Err(stopped().into()));
        assert!(all(spooled).await.is_err());
        let (spool, spooled) = Spools::new(folder.path()).begin(None).unwrap();
        assert!(spool.is_read());
        drop(spooled);
        assert!(!spool.is_read(), "its making ends when its reader has gone");
        let (spool, spooled) = Spools::new(folder.path()).begin(None).unwrap();
        drop(spool);
        assert!(all(spooled).await.is_err());
    }
}
