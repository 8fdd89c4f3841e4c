//! What one version of a manifest changes in the one before it.

use std::str::FromStr;

use certmesh_wire::{Audience, Checkpoint, Manifest, MemberCode, NodeEntry, NodeState, Opening, RecordId};

use crate::error::CommandError;
use crate::log_ends::LogEnds;
use crate::request::{self, NodeRequest};

/// A node of the manifest, by its id or the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeName(String);

impl FromStr for NodeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.len() {
            8..=64 if digits => Ok(Self(text.to_ascii_lowercase())),
            _ => Err("a node is named by its id, or by at least the first 8 digits of it".to_owned()),
        }
    }
}

impl NodeName {
    /// The one node that is meant.
    fn find<'a>(&self, nodes: &'a mut [NodeEntry]) -> Result<&'a mut NodeEntry, CommandError> {
        let Self(name) = self;
        let mut meant = nodes.iter_mut().filter(|entry| entry.node.to_string().starts_with(name));
        match (meant.next(), meant.next()) {
            (Some(entry), None) => Ok(entry),
            (None, _) => Err(CommandError::refused(format_args!("no node of this manifest is {name}"))
                .hint("`certmesh manifest show` lists its nodes")),
            _ => Err(CommandError::refused(format_args!(
                "more than one node of this manifest begins with {name}"
            ))),
        }
    }
}

/// `NODE=/ip4/…,/dns4/…`
#[derive(Debug, Clone)]
pub(super) struct Addresses(NodeName, Vec<String>);

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, addresses) = text.split_once('=').ok_or("expected NODE=ADDRESS[,ADDRESS…]")?;
        Ok(Self(node.parse()?, addresses.split(',').map(|text| text.trim().to_owned()).collect()))
    }
}

/// Where the logs of a stolen key end: `NODE=SEQ:RECORD`, `NODE=nothing`, or `NODE` for where an export has them end.
#[derive(Debug, Clone)]
pub(super) struct Cut(NodeName, CutAt);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CutAt {
    /// The log for all members ends with this record.
    Record(u64, RecordId),
    /// Nothing that the key ever signed counts.
    Nothing,
    /// Each log ends where the export has it end.
    Export,
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, place) = text.split_once('=').unwrap_or((text, ""));
        let at = match place {
            "" => CutAt::Export,
            "nothing" => CutAt::Nothing,
            place => {
                let (seq, record) =
                    place.split_once(':').ok_or("expected NODE=SEQ:RECORD, NODE=nothing or NODE")?;
                let seq = seq.parse().map_err(|_| "the seq has to be a number".to_owned())?;
                CutAt::Record(seq, record.parse().map_err(|fault| format!("{fault}"))?)
            }
        };
        Ok(Self(node.parse()?, at))
    }
}

/// Puts a node on the manifest that has agreed to it.
pub(super) fn add(manifest: &mut Manifest, request: NodeRequest) -> Result<(), CommandError> {
    let entry = entry(request, manifest)?;
    match manifest.nodes.binary_search_by_key(&entry.node, |entry| entry.node) {
        Ok(_) => Err(CommandError::refused(format_args!("node {} is on the manifest already", entry.node))
            .hint("a node that lost its disk, or was retired, comes back with a key of its own")),
        Err(at) => {
            manifest.nodes.insert(at, entry);
            Ok(())
        }
    }
}

/// A live node, if it has agreed to be one of this manifest's.
pub(super) fn entry(request: NodeRequest, manifest: &Manifest) -> Result<NodeEntry, CommandError> {
    let (mesh, member) = (manifest.mesh, manifest.member);
    if (request.mesh, request.member) != (mesh, member) {
        let (node, of, in_mesh) = (request.node, request.member, request.mesh);
        return Err(CommandError::refused(format_args!(
            "node {node} agrees to be a node of {of} in mesh {in_mesh}, not of {member} in mesh {mesh}"
        ))
        .hint("make its request anew with `certmesh node request`"));
    }
    let NodeRequest { node, addresses, consent, .. } = request;
    Ok(NodeEntry { node, state: NodeState::Live, addresses, checkpoints: Vec::new(), consent })
}

/// Takes a node out of use: it signs no more, and what it has signed stays.
pub(super) fn retire(manifest: &mut Manifest, node: &NodeName) -> Result<(), CommandError> {
    let entry = node.find(&mut manifest.nodes)?;
    match entry.state {
        NodeState::Cut => {
            Err(CommandError::refused(format_args!("node {} is cut, which is more than retired", entry.node)))
        }
        NodeState::Live | NodeState::Retired => {
            entry.state = NodeState::Retired;
            entry.addresses.clear();
            Ok(())
        }
    }
}

/// Gives a node other addresses.
pub(super) fn move_to(manifest: &mut Manifest, to: &Addresses) -> Result<(), CommandError> {
    let Addresses(node, addresses) = to;
    request::check_addresses(addresses)?;
    node.find(&mut manifest.nodes)?.addresses.clone_from(addresses);
    Ok(())
}

/// Vouches for every log of the member as far as an export has it; never for less than before.
pub(super) fn checkpoint(manifest: &mut Manifest, ends: &LogEnds) {
    let member = manifest.member;
    let nodes = manifest.nodes.iter_mut().filter(|entry| entry.state != NodeState::Cut);
    for entry in nodes {
        for end in ends.of(member, entry.node) {
            match entry.checkpoints.binary_search_by_key(&end.log, |at| at.log) {
                Ok(at) if entry.checkpoints[at].seq >= end.seq => {}
                Ok(at) => entry.checkpoints[at] = end,
                Err(at) => entry.checkpoints.insert(at, end),
            }
        }
    }
}

/// Ends the logs of a key that was stolen.
pub(super) fn cut(manifest: &mut Manifest, cut: &Cut, ends: Option<&LogEnds>) -> Result<(), CommandError> {
    let (Cut(node, at), member) = (cut, manifest.member);
    let entry = node.find(&mut manifest.nodes)?;
    let checkpoints = match at {
        CutAt::Nothing => Vec::new(),
        CutAt::Export => ends.map(|ends| ends.of(member, entry.node)).unwrap_or_default(),
        CutAt::Record(seq, record) => ending_at(member, entry, *seq, *record),
    };
    if checkpoints.is_empty() && *at != CutAt::Nothing {
        return Err(CommandError::refused(format_args!("nothing says where the logs of node {} end", entry.node))
            .hint("name its last good record with --cut NODE=SEQ:RECORD, give an export with --checkpoint-from, or refuse all that it ever signed with --cut NODE=nothing"));
    }
    entry.state = NodeState::Cut;
    entry.addresses.clear();
    entry.checkpoints = checkpoints;
    Ok(())
}

/// The node's log for all members ends with this record, its others where they are vouched for.
fn ending_at(member: MemberCode, entry: &NodeEntry, seq: u64, record: RecordId) -> Vec<Checkpoint> {
    let log = Opening { member, node: entry.node, audience: Audience::All }.log_id();
    let mut checkpoints: Vec<_> = entry.checkpoints.iter().filter(|at| at.log != log).copied().collect();
    checkpoints.push(Checkpoint { log, seq, record });
    checkpoints.sort_by_key(|at| at.log);
    checkpoints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cuts() {
        let (node, record) = ("ab".repeat(32), "cd".repeat(32));
        let cut = |text: &str| text.parse::<Cut>().map(|Cut(_, at)| at);
        assert_eq!(cut(&node), Ok(CutAt::Export));
        assert_eq!(cut(&format!("{node}=nothing")), Ok(CutAt::Nothing));
        assert_eq!(cut(&format!("abababab=7:{record}")), Ok(CutAt::Record(7, record.parse().unwrap())));
        for bad in
            ["", "abc", &format!("{node}=7"), &format!("{node}=x:{record}"), &format!("{node}=7:{node}0")]
        {
            assert!(cut(bad).is_err(), "{bad}");
        }
    }
}
