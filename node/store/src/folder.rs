//! The data folder: private to its owner, and held by one process at a time.
//!
//! RocksDB has a lock of its own, but its refusal is text, and it comes only after files were
//! touched. The lock here is taken first, names its holder, and ends with the process however that
//! ends: the kernel releases it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::OpenError;

/// The store within the data folder.
pub(crate) const STORE: &str = "store";

/// A store that is not whole yet.
pub(crate) const UNFINISHED: &str = "store.new";

const LOCK: &str = "node.lock";

/// Creates the folder and its parents if it isn't there. An existing folder keeps its permissions.
pub(crate) fn ensure(folder: &Path) -> Result<(), OpenError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent).map_err(OpenError::io("creating", parent))?;
    }
    create_private(folder)?;
    sync(parent.unwrap_or(Path::new(".")))
}

/// Creates a folder that only its owner can enter, whatever the umask says.
pub(crate) fn create_private(folder: &Path) -> Result<(), OpenError> {
    let create = || -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(folder)?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))
    };
    create().map_err(OpenError::io("creating", folder))
}

/// Makes the names in a folder durable: syncing a file does not keep its entry.
pub(crate) fn sync(folder: &Path) -> Result<(), OpenError> {
    File::open(folder).and_then(|it| it.sync_all()).map_err(OpenError::io("syncing", folder))
}

/// The right to use a data folder, until it is dropped.
pub(crate) struct FolderLock(#[expect(dead_code, reason = "held, not read")] File);

impl FolderLock {
    /// Takes the lock and leaves this process's pid in it for others to read.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(LOCK);
        let mut file = open_lock(&path).map_err(OpenError::io("opening", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { folder: folder.to_owned(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::io("locking", &path)(error)),
        }
        write_pid(&mut file).map_err(OpenError::io("writing", &path))?;
        Ok(Self(file))
    }
}

/// Not truncated: until the lock is ours, what it says is another's.
fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// What the holder wrote, or nothing if it had no time to.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}
