//! Reads and writes files so that a mistake costs nothing: reads are bounded, nothing is overwritten unasked, and what is
//! replaced is replaced whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::CommandError;

/// Whether a path is the `-` that stands for stdin or stdout.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The bytes of a file, or of stdin for `-`, if there are at most `limit`.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, CommandError> {
    let (from, _) = open(path, limit)?;
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > limit { Err(too_long(path, limit)) } else { Ok(bytes) }
}

/// A file, or stdin for `-`, to be read piece by piece, and its length where that is known: then at most `limit`.
pub(crate) fn open(path: &Path, limit: u64) -> Result<(Box<dyn Read>, Option<u64>), CommandError> {
    if is_dash(path) {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|error| unreadable(path, &error))?;
    let length = metadata.is_file().then_some(metadata.len());
    match length {
        Some(length) if length > limit => Err(too_long(path, limit)),
        _ => Ok((Box::new(file), length)),
    }
}

fn too_long(path: &Path, limit: u64) -> CommandError {
    CommandError::refused(format_args!("{} has more than {limit} bytes, the most that is read", shown(path)))
}

/// Writes a file that does not exist yet, with these permissions, and makes it durable.
pub(crate) fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CommandError> {
    create_after(path, bytes, mode, || Ok(()))
}

/// The same, after a step that can't be taken back: it is only taken once the file can be written, and if it fails there is none.
pub(crate) fn create_after(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    step: impl FnOnce() -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| match error
            .kind()
        {
            io::ErrorKind::AlreadyExists => exists(path),
            _ => unwritable(path, &error),
        })?;
    let written = step().and_then(|()| {
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| unwritable(path, &error))
    });
    // Half a key or roster helps nobody, and would stand in the way of the next try.
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

fn exists(path: &Path) -> CommandError {
    CommandError::refused(format_args!("{} is there already, and is never overwritten", path.display()))
        .hint("choose another name, or move that file away first")
}

/// A file in the making beside the one that it will replace, or create, in one step.
pub(crate) struct Replacement {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl Replacement {
    /// Begins to write; nothing is seen at `path` until [`Self::finish`].
    pub(crate) fn of(path: &Path) -> Result<Self, CommandError> {
        let mode = fs::metadata(path).map_or(0o666, |old| old.permissions().mode() & 0o777);
        let made =
            tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder(path));
        let temporary = made.map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), temporary })
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.temporary.write_all(bytes)
    }

    /// Makes the bytes durable and puts them in place.
    pub(crate) fn finish(self) -> Result<(), CommandError> {
        let Self { path, temporary } = self;
        temporary.as_file().sync_all().map_err(|error| unwritable(&path, &error))?;
        temporary.persist(&path).map_err(|failed| unwritable(&path, &failed.error))?;
        File::open(folder(&path))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(&path, &error))
    }
}

/// The folder that a file lies in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Replaces a file's content in one step; durable, name and all, when this returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let mut replacement = Replacement::of(path)?;
    replacement.write(bytes).map_err(|error| unwritable(path, &error))?;
    replacement.finish()
}

/// Why a file was not read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> CommandError {
    CommandError::refused(format_args!("{} can't be read: {}", shown(path), words(error)))
}

/// Why a file was not written.
pub(crate) fn unwritable(path: &Path, error: &io::Error) -> CommandError {
    CommandError::refused(format_args!("{} can't be written: {}", shown(path), words(error)))
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// A path as errors name it.
pub(crate) fn shown(path: &Path) -> String {
    if is_dash(path) { "the standard input".to_owned() } else { path.display().to_string() }
}
