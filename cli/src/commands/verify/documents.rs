//! Which roster is to be trusted, and which nodes count by it and the manifests of an export.

use std::collections::BTreeMap;
use std::path::PathBuf;

use certmesh_wire::{
    Audience, DocumentId, LogId, Manifest, ManifestFault, MemberCode, MeshId, NodeEntry, NodeId, NodeState,
    Opening, Pin, Roster, SignedManifest, SignedRoster,
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

/// The nodes that the manifests of each member name, and what is wrong with any manifest.
pub(super) fn nodes(manifests: &[SignedManifest], mesh: MeshId, roster: &Roster) -> (Nodes, Vec<String>) {
    let mut newest: BTreeMap<MemberCode, &SignedManifest> = BTreeMap::new();
    let (mut faults, mut unproven) = (Vec::new(), Vec::new());
    for signed in manifests {
        let manifest = signed.unverified();
        match (check(signed, mesh, roster), newest.get(&manifest.member)) {
            (Err(fault), _) => unproven.push((signed.id(), fault.to_string())),
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
    let chains: Vec<_> = newest.values().map(|signed| chain(signed, manifests)).collect();
    let is_followed = |id: &DocumentId| chains.iter().flatten().any(|signed| signed.id() == *id);
    faults.extend(unproven.into_iter().filter(|(id, _)| !is_followed(id)).map(|(_, fault)| fault));
    let entries = chains.iter().flat_map(|chain| entries(chain, roster));
    (entries.map(|(member, entry)| ((member, entry.node), entry)).collect(), faults)
}

/// A manifest that counts and those here that it follows, each proven by the one after it, which names it; the oldest first.
fn chain<'a>(newest: &'a SignedManifest, manifests: &'a [SignedManifest]) -> Vec<&'a SignedManifest> {
    let before = |signed: &&'a SignedManifest| manifests.iter().find(|earlier| signed.succeeds(earlier));
    let mut chain: Vec<_> = std::iter::successors(Some(newest), before).collect();
    chain.reverse();
    chain
}

/// Whether a manifest counts: the roster pins this very one, or the root key that it gives the member signed it.
fn check(signed: &SignedManifest, mesh: MeshId, roster: &Roster) -> Result<(), ManifestFault> {
    match roster.pin(signed.unverified().member) {
        Some(pin) if pin.manifest == Some(signed.id()) => signed.verify_pinned(mesh).map(drop),
        _ => signed.verify(mesh, roster).map(drop),
    }
}

/// The nodes of a member's manifests, cut where the roster pins the end of their logs. A later manifest replaces what an
/// earlier one said of a node; one that it no longer names is retired.
fn entries(chain: &[&SignedManifest], roster: &Roster) -> Vec<(MemberCode, NodeEntry)> {
    let Some(newest) = chain.last() else { return Vec::new() };
    let member = newest.unverified().member;
    let mut nodes: BTreeMap<NodeId, NodeEntry> = BTreeMap::new();
    for signed in chain {
        for entry in nodes.values_mut().filter(|entry| entry.state == NodeState::Live) {
            entry.state = NodeState::Retired;
        }
        nodes.extend(signed.unverified().nodes.iter().map(|entry| (entry.node, entry.clone())));
    }
    if let Some(pin) = roster.pin(member) {
        let later = Some(newest.unverified()).filter(|_| pin.manifest != Some(newest.id()));
        nodes.values_mut().for_each(|entry| cut(entry, pin, later, roster));
    }
    nodes.into_values().map(|entry| (member, entry)).collect()
}

/// Of a member that left, every log ends where the pin says, or does not count; of one that has another root key, those that
/// the pin names, unless a later manifest of its own has a checkpoint for them.
fn cut(entry: &mut NodeEntry, pin: &Pin, later: Option<&Manifest>, roster: &Roster) {
    let (own, has_left) = (logs(pin.member, entry.node, roster), roster.member(pin.member).is_none());
    let says_more = |log: LogId| {
        let checkpoints = later.into_iter().flat_map(|one| &one.nodes).flat_map(|node| &node.checkpoints);
        !has_left && checkpoints.into_iter().any(|at| at.log == log)
    };
    let cuts = pin.cuts.iter().filter(|cut| own.contains(&cut.log) && !says_more(cut.log));
    let cuts: Vec<_> = cuts.copied().collect();
    if has_left || !cuts.is_empty() {
        (entry.state, entry.checkpoints) = (NodeState::Cut, cuts);
    }
}

/// The logs that a node of a member can have.
fn logs(member: MemberCode, node: NodeId, roster: &Roster) -> Vec<LogId> {
    let groups = roster.groups.iter().map(|group| Audience::Members(group.members.clone()));
    let audiences = std::iter::once(Audience::All).chain(groups);
    audiences.map(|audience| Opening { member, node, audience }.log_id()).collect()
}
