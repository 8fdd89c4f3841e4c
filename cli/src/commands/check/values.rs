//! Where values come from, and how they get on their way while the first answers are already coming.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use certmesh_api::Bytes;
use certmesh_intel::display::safe;
use certmesh_intel::recognise::{Unrecognised, recognise};
use tokio::sync::mpsc;

use crate::commands::publish::is_number;
use crate::error::CommandError;
use crate::file;
use crate::session::talk;

/// Bytes that are read, and sent, at once.
const PIECE: usize = 64 * 1024;

/// One argument.
pub(super) enum Source {
    /// Values as they were typed, a line each.
    Typed(String),
    /// A file, or `-`.
    File(PathBuf),
}

/// The arguments in their order: neighbouring values together, files that exist, and `-`.
pub(super) fn sources(arguments: Vec<String>, literal: bool) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for argument in arguments {
        if argument.contains('\n') {
            return Err(CommandError::usage("a value has a line break in it")
                .hint("give each value as an argument of its own, or a file with one a line"));
        }
        if !literal && (argument == "-" || Path::new(&argument).is_file()) {
            if argument != "-" {
                talk(format_args!(
                    "reading values from the file {argument} (--literal takes it for a value)"
                ));
            }
            sources.push(Source::File(argument.into()));
            continue;
        }
        if !literal {
            doubt(&argument);
        }
        if let Some(Source::Typed(text)) = sources.last_mut() {
            text.extend([&argument, "\n"]);
        } else {
            sources.push(Source::Typed(argument + "\n"));
        }
    }
    Ok(sources)
}

/// Says why nobody may know a value that was typed: it is the name of a file that is not there, or mistyped.
fn doubt(argument: &str) {
    match recognise(argument) {
        Ok(value) if matches!(value.kind(), "file-name" | "file-path") => {
            talk(format_args!("note: there is no file {}: it is taken for a value", safe(argument, 200)));
        }
        Err(fault @ Unrecognised::Digits(..)) => talk(format_args!("note: {fault}")),
        Err(Unrecognised::Unknown(value)) if is_number(&value) => {
            talk(format_args!("note: \"{value}\" is no address and no network"));
        }
        _ => {}
    }
}

/// Says which of a file's first lines are no values: it may be a table, or a report.
fn doubt_lines(path: &Path, piece: &[u8]) {
    let whole = piece.iter().rposition(|byte| *byte == b'\n').map_or(piece, |end| &piece[..end]);
    let lines = String::from_utf8_lossy(whole);
    let lines = || lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let is_none = |fault: &Unrecognised| !matches!(fault, Unrecognised::Ambiguous(..));
    let mut faults = lines().filter_map(|(at, line)| Some((at, recognise(line).err().filter(is_none)?)));
    let Some((at, first)) = faults.next() else { return };
    let number = 1 + faults.count();
    let words = match number {
        1 => "is not recognised as a value; it is looked up as it stands",
        _ => "are not recognised as values; they are looked up as they stand",
    };
    let (path, all) = (file::shown(path), lines().count());
    talk(format_args!("note: {path}: {number} of the first {all} lines {words}. Line {}: {first}", at + 1));
}

/// How many bytes there are, if all of them are known.
pub(super) fn total(sources: &[Source]) -> Option<u64> {
    sources.iter().map(Source::len).sum()
}

impl Source {
    fn len(&self) -> Option<u64> {
        match self {
            Self::Typed(text) => Some(text.len() as u64),
            Self::File(path) if file::is_dash(path) => None,
            Self::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
        }
    }

    fn read(self, take: &mut impl FnMut(&[u8]) -> bool) -> Result<(), CommandError> {
        match self {
            Self::Typed(text) => {
                take(text.as_bytes());
                Ok(())
            }
            Self::File(path) if file::is_dash(&path) => copy(&mut io::stdin().lock(), take, &path),
            Self::File(path) => {
                let mut open = File::open(&path).map_err(|error| file::unreadable(&path, &error))?;
                copy(&mut open, take, &path)
            }
        }
    }
}

/// Reads to the end, or until nobody takes any more. A last line without an end gets one.
fn copy(from: &mut impl Read, take: &mut impl FnMut(&[u8]) -> bool, path: &Path) -> Result<(), CommandError> {
    let (mut buffer, mut ended, mut is_first) = (vec![0; PIECE], true, true);
    loop {
        let len = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| file::unreadable(path, &error))?,
        };
        if len == 0 {
            break;
        }
        if std::mem::take(&mut is_first) {
            doubt_lines(path, &buffer[..len]);
        }
        ended = buffer[len - 1] == b'\n';
        if !take(&buffer[..len]) {
            return Ok(());
        }
    }
    if !ended {
        take(b"\n");
    }
    Ok(())
}

/// A thread that reads: not one of the event loop's, which would wait at the end for a terminal that nobody types at.
pub(super) struct Reading(JoinHandle<Result<(), CommandError>>);

/// Reads the sources, and counts the bytes.
pub(super) fn feed(sources: Vec<Source>, pieces: mpsc::Sender<Bytes>, read: Arc<AtomicU64>) -> Reading {
    Reading(std::thread::spawn(move || {
        let mut take = |piece: &[u8]| {
            read.fetch_add(piece.len() as u64, Ordering::Relaxed);
            pieces.blocking_send(Bytes::copy_from_slice(piece)).is_ok()
        };
        sources.into_iter().try_for_each(|source| source.read(&mut take))
    }))
}

impl Reading {
    /// What went wrong, if it has ended.
    pub(super) fn outcome(self) -> Result<(), CommandError> {
        if !self.0.is_finished() {
            return Ok(());
        }
        self.0.join().unwrap_or(Ok(()))
    }
}
