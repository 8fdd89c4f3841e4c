//! What a root key has voted for, in a file beside it: one document for each version and round, and never another.
//!
//! Two valid rosters of one version and round would need a third of the members to sign both. This file is why no honest
//! member does so by mistake. It is written and synced before the signature exists.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use certmesh_wire::{DocumentId, MeshId, SignedRoster};

use crate::error::CommandError;
use crate::file;

/// A vote has about 150 bytes; this is for some 100,000.
const VOTES_BYTES: u64 = 16 * 1024 * 1024;

/// One line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Vote {
    mesh: MeshId,
    version: u64,
    round: u64,
    document: DocumentId,
}

impl Vote {
    fn on(roster: &SignedRoster) -> Self {
        let (version, round) = (roster.roster().version, roster.roster().round);
        Self { mesh: roster.mesh(), version, round, document: roster.id() }
    }
}

impl fmt::Display for Vote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.mesh, self.version, self.round, self.document)
    }
}

impl FromStr for Vote {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let words: Vec<_> = line.split(' ').collect();
        let [mesh, version, round, document] = words[..] else { return Err(()) };
        Ok(Self {
            mesh: mesh.parse().map_err(drop)?,
            version: version.parse().map_err(drop)?,
            round: round.parse().map_err(drop)?,
            document: document.parse().map_err(drop)?,
        })
    }
}

/// The votes of one root key.
pub(super) struct Votes {
    path: PathBuf,
    votes: Vec<Vote>,
}

impl Votes {
    /// The votes of the key in this file: those in the file beside it that ends in `.votes`.
    pub(super) fn of_key(key: &Path) -> Result<Self, CommandError> {
        let mut path = key.as_os_str().to_owned();
        path.push(".votes");
        let path = PathBuf::from(path);
        let absent = matches!(path.try_exists(), Ok(false));
        let bytes = if absent { Vec::new() } else { file::read(&path, VOTES_BYTES)? };
        let votes = String::from_utf8_lossy(&bytes).lines().map(Vote::from_str).collect::<Result<_, _>>();
        let votes = votes.map_err(|()| {
            CommandError::refused(format_args!("{} is damaged: no vote is safe without it", path.display()))
                .hint("put back the last good copy of it; it says which rosters this key has signed")
        })?;
        Ok(Self { path, votes })
    }

    /// Refuses a vote that contradicts an earlier one.
    pub(super) fn check(&self, roster: &SignedRoster) -> Result<(), CommandError> {
        let vote = Vote::on(roster);
        let mut same = self.votes.iter().filter(|old| (old.mesh, old.version) == (vote.mesh, vote.version));
        let clash = same
            .find(|old| old.round > vote.round || (old.round == vote.round && old.document != vote.document));
        let Some(old) = clash else { return Ok(()) };
        let what = match old.round == vote.round {
            true => "has signed another document of this version and round",
            false => "has signed a higher round of this version, which withdraws this one",
        };
        let (version, round, document) = (vote.version, old.round, old.document);
        Err(CommandError::refused(format_args!("this key {what}: version {version}, round {round}, {document}"))
            .hint("when votes have split, the members agree on one document and sign it in a higher round: `roster propose --round`"))
    }

    /// Whether the key has voted for a later version than this one.
    pub(super) fn is_beyond(&self, roster: &SignedRoster) -> bool {
        let vote = Vote::on(roster);
        self.votes.iter().any(|old| old.mesh == vote.mesh && old.version > vote.version)
    }

    /// Makes a vote durable that [`Self::check`] passes. Only then may the signature be made.
    pub(super) fn remember(mut self, roster: &SignedRoster) -> Result<(), CommandError> {
        self.check(roster)?;
        let vote = Vote::on(roster);
        if self.votes.contains(&vote) {
            return Ok(());
        }
        self.votes.push(vote);
        let lines: String = self.votes.iter().map(|vote| format!("{vote}\n")).collect();
        file::replace(&self.path, lines.as_bytes())
    }
}
