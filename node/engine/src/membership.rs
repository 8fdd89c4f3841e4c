//! Who is in the mesh, from its roster and manifests: which node keys count, whose they are, and
//! which logs are known.

use std::collections::BTreeMap;

use certmesh_wire::{
    Audience, Checkpoint, LogId, ManifestFault, Member, MemberCode, MeshId, NodeId, NodeState, Opening,
    RecordId, Roster, SignedManifest, SignedRoster,
};

/// Why a roster and manifests do not make a mesh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MembershipFault {
    /// A manifest is not to be trusted.
    #[error(transparent)]
    Manifest(#[from] ManifestFault),
    /// A manifest that needs a roster newer than the one at hand.
    #[error(
        "the manifest of {member} was made under roster version {needs}, and this roster is version {has}"
    )]
    RosterBehind {
        /// Whose manifest.
        member: MemberCode,
        /// The version it names.
        needs: u64,
        /// The version at hand.
        has: u64,
    },
    /// Two documents of one member and version.
    #[error("there are two different manifests of {member} with version {version}")]
    TwoManifests {
        /// Whose manifests.
        member: MemberCode,
        /// Their version.
        version: u64,
    },
    /// One node key in the manifests of two members.
    #[error("the manifests of {0} and {1} name the same node {2}")]
    SharedNode(MemberCode, MemberCode, NodeId),
}

/// A node that a current manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Whose it is.
    pub member: MemberCode,
    /// What it may do.
    pub state: NodeState,
    /// Where it can be reached, as multiaddrs.
    pub addresses: Vec<String>,
    /// Where its logs stood when the manifest was made.
    pub checkpoints: Vec<Checkpoint>,
}

impl Node {
    /// Whether the manifest cuts off this place of a log: what lies beyond a stolen key's
    /// checkpoint, and another record in the checkpoint's own place.
    pub fn cuts_off(&self, log: LogId, seq: u64, record: RecordId) -> bool {
        if self.state != NodeState::Cut {
            return false;
        }
        match self.checkpoints.iter().find(|at| at.log == log) {
            Some(at) => seq > at.seq || (seq == at.seq && record != at.record),
            None => true,
        }
    }
}

/// A roster and the newest manifest of each of its members, all verified.
#[derive(Debug, Clone)]
pub struct Membership {
    mesh: MeshId,
    roster: Roster,
    manifests: Vec<SignedManifest>,
    nodes: BTreeMap<NodeId, Node>,
    logs: BTreeMap<LogId, Opening>,
}

impl Membership {
    /// Puts a mesh together. Manifests come in any order; the newest version of each member counts.
    pub fn new(
        roster: SignedRoster,
        manifests: impl IntoIterator<Item = SignedManifest>,
    ) -> Result<Self, MembershipFault> {
        let mesh = roster.mesh();
        let roster = roster.roster().clone();
        let manifests = newest(mesh, &roster, manifests)?;
        let mut nodes = BTreeMap::new();
        for manifest in manifests.iter().map(SignedManifest::unverified) {
            for entry in &manifest.nodes {
                let node = Node {
                    member: manifest.member,
                    state: entry.state,
                    addresses: entry.addresses.clone(),
                    checkpoints: entry.checkpoints.clone(),
                };
                if let Some(other) = nodes.insert(entry.node, node) {
                    return Err(MembershipFault::SharedNode(other.member, manifest.member, entry.node));
                }
            }
        }
        let logs = known_logs(&roster, &nodes);
        Ok(Self { mesh, roster, manifests, nodes, logs })
    }

    /// The mesh.
    pub fn mesh(&self) -> MeshId {
        self.mesh
    }

    /// The roster.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The newest manifest of each member that has one.
    pub fn manifests(&self) -> &[SignedManifest] {
        &self.manifests
    }

    /// Every node that a manifest names, in whatever state.
    pub fn nodes(&self) -> &BTreeMap<NodeId, Node> {
        &self.nodes
    }

    /// The nodes that may hold a connection: the live ones.
    pub fn live_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().filter(|(_, node)| node.state == NodeState::Live).map(|(id, node)| (*id, node))
    }

    /// Whose node this is.
    pub fn member_of(&self, node: NodeId) -> Option<&Member> {
        self.nodes.get(&node).and_then(|node| self.roster.member(node.member))
    }

    /// The place of a log that its member vouches for.
    pub fn checkpoint(&self, log: LogId) -> Option<Checkpoint> {
        let node = self.log(log)?.node;
        self.nodes.get(&node)?.checkpoints.iter().find(|at| at.log == log).copied()
    }

    /// Whose log this is and for whom, if a manifest names its key and the roster its audience.
    pub fn log(&self, log: LogId) -> Option<&Opening> {
        self.logs.get(&log)
    }
}

fn newest(
    mesh: MeshId,
    roster: &Roster,
    manifests: impl IntoIterator<Item = SignedManifest>,
) -> Result<Vec<SignedManifest>, MembershipFault> {
    let mut newest: BTreeMap<MemberCode, SignedManifest> = BTreeMap::new();
    for signed in manifests {
        let (member, version, needs) = {
            let manifest = signed.verify(mesh, roster)?;
            (manifest.member, manifest.version, manifest.roster)
        };
        if needs > roster.version {
            return Err(MembershipFault::RosterBehind { member, needs, has: roster.version });
        }
        match newest.get(&member) {
            Some(known) if known.unverified().version > version => {}
            Some(known) if known.unverified().version == version && known.id() != signed.id() => {
                return Err(MembershipFault::TwoManifests { member, version });
            }
            _ => {
                newest.insert(member, signed);
            }
        }
    }
    Ok(newest.into_values().collect())
}

/// The log of every node for every audience that the roster names.
fn known_logs(roster: &Roster, nodes: &BTreeMap<NodeId, Node>) -> BTreeMap<LogId, Opening> {
    let groups = roster.groups.iter().map(|group| Audience::Members(group.members.clone()));
    let audiences: Vec<_> = std::iter::once(Audience::All).chain(groups).collect();
    let openings = nodes.keys().flat_map(|node| {
        audiences.iter().map(|audience| Opening { node: *node, audience: audience.clone() })
    });
    openings.map(|opening| (opening.log_id(), opening)).collect()
}
