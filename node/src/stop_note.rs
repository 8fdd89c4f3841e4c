//! The note of a clean stop: a small file beside the node key, outside the data folder, so that a
//! data folder that comes back from a backup does not bring its own.
//!
//! It is removed, durably, before the start that read it signs anything; so it is believed once.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use certmesh_engine::StopNote;

/// A note has a line for each of a node's own logs.
const NOTE_BYTES: u64 = 256 * 1024;

/// Where the note of the node with this key file lies.
pub(crate) fn path(node_key: &Path) -> PathBuf {
    let mut name = node_key.as_os_str().to_owned();
    name.push(".stopped");
    name.into()
}

/// Takes the note, if there is one, so that nobody finds it again.
///
/// A note that can't be removed is not believed: the next start might believe it wrongly.
pub(crate) fn take(path: &Path) -> Option<StopNote> {
    match take_text(path) {
        Ok(text) => StopNote::parse(&text),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => {
            tracing::warn!(path = %path.display(), "the note of the last stop can't be taken: {e}");
            None
        }
    }
}

fn take_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(NOTE_BYTES).read_to_string(&mut text)?;
    fs::remove_file(path)?;
    sync_folder(path)?;
    Ok(text)
}

/// Leaves the note of a clean stop. Without it the next start asks other members first.
pub(crate) fn leave(path: &Path, note: &StopNote) {
    if let Err(e) = leave_text(path, &note.to_text()) {
        tracing::warn!(path = %path.display(), "the note of this stop can't be left: {e}");
    }
}

fn leave_text(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("stopped.new");
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = path(&folder.path().join("node.key"));
        assert_eq!(take(&at), None);
        leave(&at, &StopNote::default());
        assert_eq!(take(&at), Some(StopNote::default()));
        assert_eq!(take(&at), None);
        fs::write(&at, "something else").unwrap();
        assert_eq!(take(&at), None);
    }
}
