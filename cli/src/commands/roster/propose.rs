//! `certmesh roster propose`: makes the next version of the roster from its draft.

use std::path::PathBuf;

use certmesh_wire::limits::MANIFEST_BYTES;
use certmesh_wire::{Member, MemberCode, Pin, Roster, SignedManifest, SignedRoster};
use clap::Args;
use serde_json::json;

use super::draft::Draft;
use super::words;
use crate::error::CommandError;
use crate::log_ends::LogEnds;
use crate::session::{Session, talk};
use crate::{file, log_ends};

/// A draft names at most 676 members and their pins.
const DRAFT_BYTES: u64 = 1024 * 1024;

/// Makes the next version of the roster, signed by nobody yet, from a draft that `roster edit` began
///
/// Of a member that the draft removes, or gives another root key, the roster pins the last manifest; of one that it removes,
/// also the ends of its logs, as an export of a node has them. What lies beyond then counts nowhere.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh roster propose next.toml --after roster.cbor --out next.cbor
  certmesh roster propose next.toml --after roster.cbor --out next.cbor \\
      --manifest manifests/TH.cbor --ends-from backup.records")]
pub(crate) struct Propose {
    /// The draft
    draft: PathBuf,
    /// The version before
    #[arg(long, value_name = "ROSTER")]
    after: PathBuf,
    /// Where to write the proposal
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The round of signing: one more than the last, when votes have split
    #[arg(long, default_value_t = 0)]
    round: u64,
    /// The last manifest of a member that is removed or has another root key; or, of two of one version, the one that stands
    #[arg(long, value_name = "MANIFEST")]
    manifest: Vec<PathBuf>,
    /// A member that is removed or has another root key, and never had a manifest
    #[arg(long, value_name = "CODE")]
    without_manifest: Vec<MemberCode>,
    /// Exported records, which tell where the logs of a removed member end
    #[arg(long, value_name = "EXPORT")]
    ends_from: Option<PathBuf>,
    /// A removed member of which nothing is to count that it ever published
    #[arg(long, value_name = "CODE")]
    forget: Vec<MemberCode>,
}

impl Propose {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let prev = super::read(&self.after)?;
        let text = String::from_utf8(file::read(&self.draft, DRAFT_BYTES)?);
        let text = text
            .map_err(|_| CommandError::refused(format_args!("{} is not text", file::shown(&self.draft))))?;
        let mut roster = Draft::read(&text)?.roster(&prev, self.round)?;
        self.add_pins(&prev, &mut roster)?;
        let proposal = SignedRoster::propose(&prev, roster).map_err(super::refused)?;
        file::create(&self.out, &proposal.encode(), 0o644)?;
        talk(words::step(&prev, &proposal));
        talk(format_args!("\nwrote {}, signed by nobody yet; this is its id", self.out.display()));
        let id = proposal.id().to_string();
        if session.json() {
            let version = proposal.roster().version;
            session.json_line(&json!({ "document": id, "version": version, "round": self.round }))?;
        } else {
            session.line(id)?;
        }
        Ok(())
    }

    /// Pins whoever leaves or changes its key, unless the draft does so itself, and any other whose manifest is given.
    fn add_pins(&self, prev: &SignedRoster, roster: &mut Roster) -> Result<(), CommandError> {
        let manifests = self.manifests(prev)?;
        let ends = self.ends_from.as_deref().map(|path| log_ends::read(path, prev.mesh())).transpose()?;
        for member in &prev.roster().members {
            let stays = roster.member(member.code).is_some_and(|same| same.root_key == member.root_key);
            let pinned = roster.pin(member.code).is_some_and(|pin| pin.root_key == member.root_key);
            let last = manifests.iter().find(|signed| signed.unverified().member == member.code);
            if (stays && last.is_none()) || (!stays && pinned) {
                continue;
            }
            let removed = roster.member(member.code).is_none();
            if last.is_some() || self.without_manifest.contains(&member.code) {
                let pin = pin(member, last, ends.as_ref().filter(|_| removed));
                if removed {
                    self.check_ends(&pin)?;
                }
                roster.pins.retain(|old| old.member != member.code);
                roster.pins.push(pin);
            }
        }
        roster.pins.sort_by_key(|pin| pin.member);
        Ok(())
    }

    /// What a removed member published stays only as far as its logs are known to go: that must be said, or meant.
    fn check_ends(&self, pin: &Pin) -> Result<(), CommandError> {
        if pin.manifest.is_none() || !pin.cuts.is_empty() || self.forget.contains(&pin.member) {
            return Ok(());
        }
        let member = pin.member;
        Err(CommandError::refused(format_args!(
            "nothing says where the logs of {member} end: all that it ever published would go"
        ))
        .hint(format_args!(
            "give what a node exported with --ends-from, or --forget {member} if that is meant"
        )))
    }

    /// The manifests that were given: each pinned by the version before, or signed by the root key that it gives its member.
    fn manifests(&self, prev: &SignedRoster) -> Result<Vec<SignedManifest>, CommandError> {
        let read = |path: &PathBuf| {
            let refused = |fault| CommandError::refused(format_args!("{}: {fault}", file::shown(path)));
            let bytes = file::read(path, MANIFEST_BYTES as u64)?;
            let signed = SignedManifest::decode(&bytes).map_err(refused)?;
            let pinned = prev.roster().pin(signed.unverified().member).and_then(|pin| pin.manifest);
            let verified = match pinned == Some(signed.id()) {
                true => signed.verify_pinned(prev.mesh()),
                false => signed.verify(prev.mesh(), prev.roster()),
            };
            verified.map_err(refused)?;
            Ok(signed)
        };
        self.manifest.iter().map(read).collect()
    }
}

fn pin(member: &Member, last: Option<&SignedManifest>, ends: Option<&LogEnds>) -> Pin {
    let cuts = ends.filter(|_| last.is_some()).map(|ends| ends.of_member(member.code)).unwrap_or_default();
    Pin {
        member: member.code,
        cert: member.cert.clone(),
        root_key: member.root_key,
        manifest: last.map(SignedManifest::id),
        cuts,
    }
}
