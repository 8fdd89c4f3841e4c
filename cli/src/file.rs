//! Reads and writes files so that a mistake costs nothing: reads are bounded, nothing is overwritten unasked, and what is
//! replaced is replaced whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
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

/// A file in the making beside the one that it will replace, or create, in one step. A link stays, and what it leads to is
/// replaced; a device or a pipe is written to.
pub(crate) struct Replacement {
    path: PathBuf,
    to: To,
}

enum To {
    Temporary(NamedTempFile),
    /// What is no file and can't be replaced.
    Direct(File),
}

impl Replacement {
    /// Begins to write; nothing is seen at `path` until [`Self::finish`].
    pub(crate) fn of(path: &Path) -> Result<Self, CommandError> {
        let unwritable = |error: io::Error| unwritable(path, &error);
        let old = fs::metadata(path).ok();
        if old.as_ref().is_some_and(|old| !old.is_file() && !old.is_dir()) {
            let file = OpenOptions::new().write(true).open(path).map_err(unwritable)?;
            return Ok(Self { path: path.to_owned(), to: To::Direct(file) });
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mode = old.as_ref().map_or(0o666, |old| old.permissions().mode() & 0o777);
        let made =
            tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder(&path));
        let temporary = made.map_err(unwritable)?;
        if let Some(old) = old {
            // Whose it was may still read it; only root can give it to somebody else.
            let _ = fchown(temporary.as_file(), Some(old.uid()), Some(old.gid()));
        }
        Ok(Self { path, to: To::Temporary(temporary) })
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.to {
            To::Temporary(file) => file.write_all(bytes),
            To::Direct(file) => file.write_all(bytes),
        }
    }

    /// Makes the bytes durable and puts them in place.
    pub(crate) fn finish(self) -> Result<(), CommandError> {
        let Self { path, to: To::Temporary(temporary) } = self else { return Ok(()) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("list"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        replace(&folder.path().join("another"), b"x").unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
    }

    #[test]
    fn a_device_is_written_to() {
        replace(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
