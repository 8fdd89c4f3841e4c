//! What a root key has signed, in a file beside it: of each version and round of the roster one document, of each version of
//! a manifest one, and never another.
//!
//! Two valid rosters of one version and round would need a third of the members to sign both, and two manifests of one version
//! dispute each other. This file is why no honest member makes them by mistake. It is written and synced before what was signed
//! is anywhere else.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use certmesh_wire::{DocumentId, MemberCode, MeshId, SignedManifest, SignedRoster};

use crate::error::CommandError;
use crate::file;

/// A vote has about 150 bytes; this is for some 100,000.
const VOTES_BYTES: u64 = 16 * 1024 * 1024;
/// The second word of a line on a manifest, where one on a roster has its version.
const MANIFEST: &str = "manifest";

/// One line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vote {
    mesh: MeshId,
    version: u64,
    on: On,
    document: DocumentId,
}

/// What was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// The roster, in this round.
    Roster(u64),
    /// The manifest of this member.
    Manifest(MemberCode),
}

impl Vote {
    /// For a roster.
    pub(crate) fn on_roster(roster: &SignedRoster) -> Self {
        let (version, round) = (roster.roster().version, roster.roster().round);
        Self { mesh: roster.mesh(), version, on: On::Roster(round), document: roster.id() }
    }

    /// For a manifest of its own.
    pub(crate) fn on_manifest(signed: &SignedManifest) -> Self {
        let manifest = signed.unverified();
        let on = On::Manifest(manifest.member);
        Self { mesh: manifest.mesh, version: manifest.version, on, document: signed.id() }
    }

    /// Why this vote can't stand beside an earlier one, if it can't: what that was, and what to do.
    fn clash(&self, old: &Self) -> Option<(&'static str, &'static str)> {
        let same = (old.mesh, old.version) == (self.mesh, self.version);
        match (old.on, self.on) {
            (On::Roster(before), On::Roster(round)) if same && before > round => {
                Some(("has signed a higher round of this version, which withdraws this one", SPLIT))
            }
            (On::Roster(before), On::Roster(round))
                if same && before == round && old.document != self.document =>
            {
                Some(("has signed another document of this version and round", SPLIT))
            }
            (On::Manifest(before), On::Manifest(member))
                if same && before == member && old.document != self.document =>
            {
                Some(("has signed another manifest of this version", LOST))
            }
            _ => None,
        }
    }
}

/// What to do when votes have split.
const SPLIT: &str = "when votes have split, the members agree on one document and sign it in a higher round: `roster propose --round`";
/// What to do instead of a second manifest.
const LOST: &str = "go on from that one: `manifest next THAT-MANIFEST`; two of one version would dispute each other. If it is lost, and nobody but you ever had it, delete its line from the file that ends in .votes";

impl fmt::Display for Vote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mesh, version, document, .. } = self;
        match self.on {
            On::Roster(round) => write!(f, "{mesh} {version} {round} {document}"),
            On::Manifest(member) => write!(f, "{mesh} {MANIFEST} {member} {version} {document}"),
        }
    }
}

impl FromStr for Vote {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let words: Vec<_> = line.split(' ').collect();
        let (mesh, on, version, document) = match words[..] {
            [mesh, version, round, document] => {
                (mesh, On::Roster(round.parse().map_err(drop)?), version, document)
            }
            [mesh, MANIFEST, member, version, document] => {
                (mesh, On::Manifest(member.parse().map_err(drop)?), version, document)
            }
            _ => return Err(()),
        };
        Ok(Self {
            mesh: mesh.parse().map_err(drop)?,
            version: version.parse().map_err(drop)?,
            on,
            document: document.parse().map_err(drop)?,
        })
    }
}

/// The votes of one root key.
pub(crate) struct Votes {
    path: PathBuf,
    votes: Vec<Vote>,
}

impl Votes {
    /// The votes of the key in this file: those in the file beside it that ends in `.votes`.
    pub(crate) fn of_key(key: &Path) -> Result<Self, CommandError> {
        let mut path = key.as_os_str().to_owned();
        path.push(".votes");
        let path = PathBuf::from(path);
        let absent = matches!(path.try_exists(), Ok(false));
        let bytes = if absent { Vec::new() } else { file::read(&path, VOTES_BYTES)? };
        let votes = String::from_utf8_lossy(&bytes).lines().map(Vote::from_str).collect::<Result<_, _>>();
        let votes = votes.map_err(|()| {
            CommandError::refused(format_args!("{} is damaged: no vote is safe without it", path.display()))
                .hint("put back the last good copy of it; it says which rosters and manifests this key has signed")
        })?;
        Ok(Self { path, votes })
    }

    /// Refuses a vote that contradicts an earlier one.
    pub(crate) fn check(&self, vote: Vote) -> Result<(), CommandError> {
        let clash = self.votes.iter().find_map(|old| Some((old, vote.clash(old)?)));
        let Some((old, (what, hint))) = clash else { return Ok(()) };
        let (version, document) = (old.version, old.document);
        let round = match old.on {
            On::Roster(round) => format!(", round {round}"),
            On::Manifest(_) => String::new(),
        };
        Err(CommandError::refused(format_args!("this key {what}: version {version}{round}, {document}"))
            .hint(hint))
    }

    /// Whether the key has voted for a later version of the roster than this one.
    pub(crate) fn is_beyond(&self, vote: Vote) -> bool {
        let is_roster = |on| matches!(on, On::Roster(_));
        let later = |old: &Vote| is_roster(old.on) && old.mesh == vote.mesh && old.version > vote.version;
        is_roster(vote.on) && self.votes.iter().any(later)
    }

    /// Makes a vote durable that [`Self::check`] passes. Only then may what was signed be written.
    pub(crate) fn remember(mut self, vote: Vote) -> Result<(), CommandError> {
        self.check(vote)?;
        if self.votes.contains(&vote) {
            return Ok(());
        }
        self.votes.push(vote);
        let lines: String = self.votes.iter().map(|vote| format!("{vote}\n")).collect();
        file::replace(&self.path, lines.as_bytes())
    }
}
