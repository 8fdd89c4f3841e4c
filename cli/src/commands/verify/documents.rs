//! Which roster is to be trusted, and which nodes count by it and the manifests of an export.

use std::collections::BTreeMap;
use std::path::PathBuf;

use certmesh_wire::{
    Audience, LogId, ManifestFault, MemberCode, MeshId, NodeEntry, NodeId, NodeState, Opening, Pin, Roster,
    SignedManifest, SignedRoster,
};

use crate::commands::roster;
use crate::error::CommandError;
use crate::file;

/// The nodes that count, as each member has them that names them.
pub(super) type Nodes = BTreeMap<(MemberCode, NodeId), NodeEntry>;

/// The last of the rosters in these files, each of which has to follow the one before it, from version 0 on.
pub(super) fn trusted(paths: &[PathBuf], mesh: Option<MeshId>) -> Result<SignedRoster, CommandError> {
    let mut rosters = Vec::new();
    for path in paths {
        rosters.push((roster::read(path)?, path));
    }
    rosters.sort_by_key(|(signed, _)| (signed.roster().version, signed.roster().round));
    let mut rosters = rosters.into_iter();
    let (first, _) = rosters.next().ok_or_else(|| CommandError::usage("no roster was given"))?;
    // Also without a mesh id: a later version than 0 has to be proven, whichever mesh it names.
    let mesh = mesh.unwrap_or_else(|| first.mesh());
    let first = first.of_mesh(mesh).map_err(|fault| {
        CommandError::refused(fault).hint("give every version of the roster, from 0 on, each with --roster")
    })?;
    rosters.try_fold(first, |prev, (next, path)| match next.succeeds(&prev) {
        Ok(()) => Ok(next),
        Err(fault) => Err(CommandError::refused(format_args!("{}: {fault}", file::shown(path)))
            .hint("give every version of the roster once, from 0 on, each with --roster")),
    })
}

/// The nodes on the newest manifest of each member, and what is wrong with any manifest.
pub(super) fn nodes(manifests: &[SignedManifest], mesh: MeshId, roster: &Roster) -> (Nodes, Vec<String>) {
    let mut newest: BTreeMap<MemberCode, &SignedManifest> = BTreeMap::new();
    let mut faults = Vec::new();
    for signed in manifests {
        let manifest = signed.unverified();
        match (check(signed, mesh, roster), newest.get(&manifest.member)) {
            (Err(fault), _) => faults.push(fault.to_string()),
            (Ok(()), Some(known)) if known.unverified().version > manifest.version => {}
            (Ok(()), Some(known))
                if known.unverified().version == manifest.version && known.id() != signed.id() =>
            {
                let (member, version) = (manifest.member, manifest.version);
                faults.push(format!("there are two manifests of {member} with version {version}"));
            }
            (Ok(()), _) => drop(newest.insert(manifest.member, signed)),
        }
    }
    let entries = newest.values().flat_map(|signed| entries(signed, roster));
    (entries.map(|(member, entry)| ((member, entry.node), entry)).collect(), faults)
}

/// Whether a manifest counts: the roster pins this very one, or the root key that it gives the member signed it.
fn check(signed: &SignedManifest, mesh: MeshId, roster: &Roster) -> Result<(), ManifestFault> {
    match roster.pin(signed.unverified().member) {
        Some(pin) if pin.manifest == Some(signed.id()) => signed.verify_pinned(mesh).map(drop),
        _ => signed.verify(mesh, roster).map(drop),
    }
}

/// A manifest's nodes, cut where the roster pins the end of their logs.
fn entries(signed: &SignedManifest, roster: &Roster) -> Vec<(MemberCode, NodeEntry)> {
    let member = signed.unverified().member;
    let pin = roster.pin(member).filter(|pin| pin.manifest == Some(signed.id()));
    let cut = |entry: &NodeEntry| pin.map_or_else(|| entry.clone(), |pin| cut(entry, pin, roster));
    signed.unverified().nodes.iter().map(|entry| (member, cut(entry))).collect()
}

/// Of a member that left, every log ends where the pin says, or does not count; of one that has another root key, those that
/// the pin names.
fn cut(entry: &NodeEntry, pin: &Pin, roster: &Roster) -> NodeEntry {
    let own = logs(pin.member, entry.node, roster);
    let checkpoints: Vec<_> = pin.cuts.iter().filter(|cut| own.contains(&cut.log)).copied().collect();
    match roster.member(pin.member).is_some() && checkpoints.is_empty() {
        true => entry.clone(),
        false => NodeEntry { state: NodeState::Cut, checkpoints, ..entry.clone() },
    }
}

/// The logs that a node of a member can have.
fn logs(member: MemberCode, node: NodeId, roster: &Roster) -> Vec<LogId> {
    let groups = roster.groups.iter().map(|group| Audience::Members(group.members.clone()));
    let audiences = std::iter::once(Audience::All).chain(groups);
    audiences.map(|audience| Opening { member, node, audience }.log_id()).collect()
}
