//! `certmesh roster submit`, `roster import` and `manifest submit`: gives documents to a running node.
//!
//! A node that was away for long gets what it missed in one go: rosters go before manifests, and older versions before
//! later ones, in whatever order the files are named.

use std::path::{Path, PathBuf};

use certmesh_api::Submitted;
use certmesh_intel::display::safe;
use certmesh_wire::limits::{MANIFEST_BYTES, ROSTER_BYTES};
use certmesh_wire::{SignedManifest, SignedRoster};
use clap::Args;

use crate::error::CommandError;
use crate::file;
use crate::session::Session;

/// The most that is shown of what a node says, in characters.
const NODE_WORDS: usize = 2_000;
/// A file is a roster or a manifest.
pub(super) const DOCUMENT_BYTES: usize =
    if ROSTER_BYTES > MANIFEST_BYTES { ROSTER_BYTES } else { MANIFEST_BYTES };

/// Gives rosters and manifests to a running node, which checks them, acts on them and passes them on
///
/// Any node of the mesh will do. Several files may come in any order: a node that was away for long takes every version that
/// it missed.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh roster submit next.cbor
  certmesh manifest submit sg-1.cbor
  certmesh roster import roster-1.cbor roster-2.cbor roster-3.cbor manifests/*.cbor")]
pub(crate) struct Submit {
    /// Rosters with the votes of their members, and manifests
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// What a file holds, in the order in which a node can take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Roster(u64, u64),
    Manifest(u64),
}

impl Submit {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let read = self.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let mut turns: Vec<_> = self.files.iter().zip(read).collect();
        turns.sort_by_key(|(_, (turn, _))| *turn);
        for (path, (_, bytes)) in turns {
            let submitted = session.client().submit(bytes).await;
            let submitted = submitted.map_err(|error| CommandError::from(error).after(file::shown(path)))?;
            // Among several files older versions are what leads to the newest.
            if self.files.len() == 1 && !submitted.stands {
                return Err(outdated(path, &submitted));
            }
            report(session, path, &submitted)?;
        }
        Ok(())
    }
}

/// A file's bytes and its turn, if it is a document at all: the node alone tells whether it is to be believed.
fn read(path: &Path) -> Result<(Turn, Vec<u8>), CommandError> {
    let bytes = file::read(path, DOCUMENT_BYTES as u64)?;
    if let Ok(manifest) = SignedManifest::decode(&bytes) {
        return Ok((Turn::Manifest(manifest.unverified().version), bytes));
    }
    let roster = SignedRoster::decode(&bytes).map_err(|fault| {
        CommandError::refused(format_args!(
            "{} is neither a roster nor a manifest: {fault}",
            file::shown(path)
        ))
    })?;
    Ok((Turn::Roster(roster.roster().version, roster.roster().round), bytes))
}

fn outdated(path: &Path, submitted: &Submitted) -> CommandError {
    let effect = safe(&submitted.effect, NODE_WORDS);
    CommandError::refused(format_args!("{}: {effect}", file::shown(path)))
        .hint("`certmesh roster fetch DIR` gives what stands; make the next version of that")
}

fn report(session: &mut Session, path: &Path, submitted: &Submitted) -> Result<(), CommandError> {
    if session.json() {
        session.json_line(submitted)?;
    } else {
        session.line(format_args!("{}: {}", file::shown(path), safe(&submitted.effect, NODE_WORDS)))?;
    }
    Ok(session.flush()?)
}
