//! `certmesh roster`: who is in the mesh.

mod changes;
mod diff;
mod draft;
mod edit;
mod fetch;
mod merge;
mod new;
mod propose;
mod show;
mod sign;
mod words;

use std::path::Path;

use certmesh_wire::limits::ROSTER_BYTES;
use certmesh_wire::{RosterFault, SignedRoster};
use clap::Subcommand;

use super::Online;
use super::submit::Submit;
use crate::error::CommandError;
use crate::file;
use crate::session::Session;

/// Makes, changes, signs and shows the roster: who is in the mesh (offline)
///
/// The hash of the first roster is the mesh id. The members agree on it out of band, sign it with their root keys, and give
/// it to their nodes. Every later version is proposed by anybody (`edit`, `propose`), read and signed by two thirds of the
/// members of the version before (`diff`, `sign`, `merge`), and given to any node (`submit`).
#[derive(Subcommand)]
pub(super) enum Roster {
    New(new::New),
    Edit(edit::Edit),
    Propose(propose::Propose),
    Diff(diff::Diff),
    Sign(sign::Sign),
    Merge(merge::Merge),
    Show(show::Show),
    #[command(visible_alias = "import")]
    Submit(Online<Submit>),
    Fetch(Online<fetch::Fetch>),
}

impl Roster {
    pub(super) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::New(command) => command.run(session),
            Self::Edit(command) => command.run(session),
            Self::Propose(command) => command.run(session),
            Self::Diff(command) => command.run(session),
            Self::Sign(command) => command.run(session),
            Self::Merge(command) => command.run(session),
            Self::Show(command) => command.run(session),
            Self::Submit(command) => command.at(session).run(session).await,
            Self::Fetch(command) => command.at(session).run(session).await,
        }
    }
}

/// Reads a roster. Of version 0 the signatures are checked; those on a later one take its predecessor.
pub(super) fn read(path: &Path) -> Result<SignedRoster, CommandError> {
    let bytes = file::read(path, ROSTER_BYTES as u64)?;
    SignedRoster::decode(&bytes).map_err(|fault| {
        CommandError::refused(format_args!("{}: {fault}", file::shown(path)))
            .hint("a roster is the file that `certmesh roster new` or `propose` writes; ask its sender for it again")
    })
}

/// The version before `signed`, which every version but the first has.
fn before(signed: &SignedRoster, path: Option<&Path>) -> Result<Option<SignedRoster>, CommandError> {
    match (signed.roster().version, path) {
        (0, None) => Ok(None),
        (0, Some(_)) => Err(CommandError::usage("version 0 has no version before it: leave --after out")),
        (version, None) => Err(CommandError::usage(format_args!(
            "this is version {version}: give the version before it with --after, whose members vote"
        ))),
        (_, Some(path)) => read(path).map(Some),
    }
}

/// What is amiss between a roster and the version before it, with what to do.
fn refused(fault: RosterFault) -> CommandError {
    let hint = match &fault {
        RosterFault::OtherMesh { .. } | RosterFault::NotSuccessor { .. } => Some(
            "give the version right before it with --after; `certmesh roster show` tells versions and documents",
        ),
        RosterFault::Unpinned(_) => {
            Some("give its last manifest with --manifest, or --without-manifest CODE if it never had one")
        }
        RosterFault::BadSignature(_) | RosterFault::TwoSignatures(_) => {
            Some("leave that copy out, and ask the member for its signature again")
        }
        RosterFault::NotAMember(_) => {
            Some("sign with the root key whose public half the roster before it gives the member")
        }
        _ => None,
    };
    let error = CommandError::refused(fault);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
