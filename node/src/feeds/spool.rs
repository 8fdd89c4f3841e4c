//! A list that is too long to be kept in memory: it is made at full speed into a file without a name, and sent from there
//! as fast as its client takes it. A slow client holds no thread, and no moment of the store.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use certmesh_engine::store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::FeedFault;

/// Bytes that are sent together.
const PIECE_BYTES: u64 = 128 * 1024;
/// Room that the disk keeps for the store, in bytes.
const RESERVE: u64 = 256 * 1024 * 1024;

/// Files that there are at once, being made or sent: no reader fills the disk, or keeps all threads.
const SPOOLS: usize = 4;

/// Where files are made.
#[derive(Clone)]
pub(super) struct Spools {
    folder: Arc<Path>,
    room: Arc<Semaphore>,
}

/// A file without a name, and its place among those that there may be.
struct Nameless {
    file: File,
    _place: OwnedSemaphorePermit,
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
}

impl Spools {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), room: Arc::new(Semaphore::new(SPOOLS)) }
    }

    /// A file that is gone when nobody has it open any more, whatever becomes of the process.
    pub(super) fn begin(&self) -> Result<(Spool, Spooled), FeedFault> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| FeedFault::Busy)?;
        let name = format!("list-{}.tmp", NUMBER.fetch_add(1, Ordering::Relaxed));
        let file = nameless(&self.folder.join(name)).map_err(failed)?;
        let file = Arc::new(Nameless { file, _place: place });
        let (written, read) = watch::channel(Written::default());
        let spooled = Spooled { file: Arc::clone(&file), written: read, sent: 0 };
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
        let (mut spool, spooled) = Spools::new(folder.path()).begin().unwrap();
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
        let mut all: Vec<_> = (0..SPOOLS).map(|_| spools.begin().unwrap()).collect();
        assert!(matches!(spools.begin(), Err(FeedFault::Busy)));
        // One that is made is still on the disk, until it is sent.
        let (spool, spooled) = all.pop().unwrap();
        spool.end(Ok(()));
        assert!(spools.begin().is_err());
        drop(spooled);
        assert!(spools.begin().is_ok());
    }

    #[tokio::test]
    async fn what_went_wrong_is_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, spooled) = Spools::new(folder.path()).begin().unwrap();
        spool.write(b"a").unwrap();
        spool.end(Err(stopped().into()));
        assert!(all(spooled).await.is_err());
        let (spool, spooled) = Spools::new(folder.path()).begin().unwrap();
        assert!(spool.is_read());
        drop(spooled);
        assert!(!spool.is_read(), "its making ends when its reader has gone");
        let (spool, spooled) = Spools::new(folder.path()).begin().unwrap();
        drop(spool);
        assert!(all(spooled).await.is_err());
    }
}
