//! `certmesh manifest`: which nodes a member runs.

mod changes;
mod edits;
mod new;
mod next;
mod show;

use std::path::Path;

use certmesh_wire::SignedManifest;
use certmesh_wire::limits::MANIFEST_BYTES;
use clap::Subcommand;

use super::Online;
use super::submit::Submit;
use crate::error::CommandError;
use crate::file;
use crate::session::Session;
use crate::votes::{Vote, Votes};

/// Makes, changes and shows manifests: which nodes a member runs (offline)
///
/// A manifest names a member's node keys and where they can be reached, and is signed with the member's root key. A node
/// that is on no manifest can't join. Each version follows the one before it; the member alone decides.
#[derive(Subcommand)]
pub(super) enum Manifest {
    New(new::New),
    Next(next::Next),
    Show(show::Show),
    Submit(Online<Submit>),
}

impl Manifest {
    pub(super) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::New(command) => command.run(session),
            Self::Next(command) => command.run(session),
            Self::Show(command) => command.run(session),
            Self::Submit(command) => command.at(session).run(session).await,
        }
    }
}

/// Writes a signed manifest, unless its root key, which is in the file `key`, has signed another of this version: first
/// the vote, which is there for good.
fn write(path: &Path, signed: &SignedManifest, key: &Path) -> Result<(), CommandError> {
    let votes = Votes::of_key(key)?;
    file::create_after(path, &signed.encode(), 0o644, || votes.remember(Vote::on_manifest(signed)))
}

/// Reads a manifest, whose signature is still to be checked.
fn read(path: &Path) -> Result<SignedManifest, CommandError> {
    let bytes = file::read(path, MANIFEST_BYTES as u64)?;
    SignedManifest::decode(&bytes)
        .map_err(|fault| CommandError::refused(format_args!("{}: {fault}", file::shown(path))))
}
