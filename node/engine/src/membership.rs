//! Who is in the mesh: which node keys count, whose they are, and which logs are known. All of it is
//! worked out from the [`Documents`] at hand, whatever order they came in, so that nodes which hold the
//! same documents agree.

use std::collections::BTreeMap;

use certmesh_wire::{
    Audience, Checkpoint, DocumentId, LogId, Manifest, Member, MemberCode, MeshId, NodeId, NodeState,
    Opening, Pin, RecordId, Roster, SignedManifest, SignedRoster,
};

use crate::documents::{Document, DocumentFault, Documents};
use crate::limits::MEMBER_NODES;

/// Two documents that contradict each other: the proof that whoever signed them has signed twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Split {
    /// Two valid rosters of one version and round: the version before stands until a higher round.
    Rosters {
        /// Their version.
        version: u64,
        /// Their round.
        round: u64,
        /// Two of them.
        documents: [DocumentId; 2],
    },
    /// Two manifests of one member and version: the one before stands until the member's next, or the
    /// roster, says which counts.
    Manifests {
        /// Whose.
        member: MemberCode,
        /// Their version.
        version: u64,
        /// Two of them.
        documents: [DocumentId; 2],
    },
    /// A node key that two members have in use, and that has agreed to both: somebody else holds it too. It signs
    /// for neither and may not connect, until one of them has it in use no more.
    Key {
        /// The key.
        node: NodeId,
        /// Two of the members.
        members: [MemberCode; 2],
    },
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

/// The roster that stands, the manifest of each member that stands, and what they amount to.
#[derive(Debug, Clone)]
pub struct Membership {
    documents: Documents,
    head: DocumentId,
    roster: Roster,
    /// The newest roster version of which any valid document is here.
    known_version: u64,
    manifests: Vec<SignedManifest>,
    splits: Vec<Split>,
    /// What the manifests of each member say of a node key.
    nodes: BTreeMap<(NodeId, MemberCode), Node>,
    logs: BTreeMap<LogId, Opening>,
}

impl Membership {
    /// Puts a mesh together from its first roster and manifests in any order, all of which have to be
    /// good.
    pub fn new(
        roster: SignedRoster,
        manifests: impl IntoIterator<Item = SignedManifest>,
    ) -> Result<Self, DocumentFault> {
        let mut documents = Documents::found(roster)?;
        let mut manifests: Vec<_> = manifests.into_iter().collect();
        manifests.sort_by_key(|signed| signed.unverified().version);
        for manifest in manifests {
            documents.enter(Document::Manifest(manifest))?;
        }
        Ok(Self::of(documents))
    }

    /// What these documents amount to.
    pub fn of(documents: Documents) -> Self {
        let (standing, split) = documents.standing_roster();
        let (head, roster) = (standing.id(), standing.roster().clone());
        let known_version = documents.rosters().map(|signed| signed.roster().version).max().unwrap_or(0);
        let mut membership = Self {
            head,
            roster,
            known_version,
            manifests: Vec::new(),
            splits: split.into_iter().collect(),
            nodes: BTreeMap::new(),
            logs: BTreeMap::new(),
            documents,
        };
        let members = membership.roster.members.iter().map(|member| member.code);
        let gone = membership.roster.pins.iter().map(|pin| pin.member);
        let mut codes: Vec<_> = members.chain(gone).collect();
        codes.sort();
        codes.dedup();
        for code in codes {
            membership.add_member(code);
        }
        membership.retire_shared_keys();
        membership.logs = known_logs(&membership.roster, &membership.nodes);
        membership
    }

    fn add_member(&mut self, code: MemberCode) {
        let chain = self.documents.standing_manifests(&self.roster, code);
        let mut nodes = BTreeMap::new();
        for manifest in chain.manifests.iter().map(|signed| signed.unverified()) {
            add_nodes(manifest, &mut nodes);
        }
        let last = chain.manifests.last();
        if let Some(pin) = self.roster.pin(code) {
            let later = last.filter(|signed| Some(signed.id()) != pin.manifest).map(|one| one.unverified());
            apply_cuts(&self.roster, pin, later, &mut nodes);
        }
        self.nodes.extend(nodes.into_iter().map(|(id, node)| ((id, code), node)));
        self.splits.extend(chain.split);
        self.manifests.extend(last.map(|signed| (*signed).clone()));
    }

    /// Each member has logs of its own of a key that two of them name, so that neither can touch the other's. But
    /// a connection shows the key alone: one that two have in use is anybody's.
    fn retire_shared_keys(&mut self) {
        let mut users: BTreeMap<NodeId, Vec<MemberCode>> = BTreeMap::new();
        for ((id, code), _) in self.nodes.iter().filter(|(_, node)| node.state == NodeState::Live) {
            users.entry(*id).or_default().push(*code);
        }
        for (node, members) in users {
            if let [one, other, ..] = members[..] {
                self.splits.push(Split::Key { node, members: [one, other] });
                let shared = self.nodes.range_mut((node, one)..).take_while(|((id, _), _)| *id == node);
                let live = shared.map(|(_, entry)| entry).filter(|entry| entry.state == NodeState::Live);
                live.for_each(|entry| entry.state = NodeState::Retired);
            }
        }
    }

    /// Every document at hand.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The document of the roster that stands.
    pub fn head(&self) -> DocumentId {
        self.head
    }

    /// The newest roster version that any valid document here has: one that is in dispute counts too.
    pub fn known_version(&self) -> u64 {
        self.known_version
    }

    /// Documents that contradict each other, and are not settled.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// The place from which on a log is cut off, if it is: the seq after its last record that counts.
    pub fn cut(&self, log: LogId) -> Option<u64> {
        let node = self.writer(log)?;
        let at = node.checkpoints.iter().find(|at| at.log == log);
        (node.state == NodeState::Cut).then(|| at.map_or(0, |at| at.seq.saturating_add(1)))
    }

    /// The mesh.
    pub fn mesh(&self) -> MeshId {
        self.documents.mesh()
    }

    /// The roster.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The manifest that stands of each member that has one, also of those that have left.
    pub fn manifests(&self) -> &[SignedManifest] {
        &self.manifests
    }

    /// All manifests of a member that stand, the oldest first: each replaces what those before it said of a node.
    pub(crate) fn standing_manifests(&self, member: MemberCode) -> Vec<&SignedManifest> {
        self.documents.standing_manifests(&self.roster, member).manifests
    }

    /// Every node that a manifest names, in whatever state; one that two members name, once for each.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().map(|((id, _), node)| (*id, node))
    }

    /// The nodes that may hold a connection: the live ones.
    pub fn live_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes().filter(|(_, node)| node.state == NodeState::Live)
    }

    /// What a member's manifests say of a node key.
    pub fn node_of(&self, member: MemberCode, node: NodeId) -> Option<&Node> {
        self.nodes.get(&(node, member))
    }

    /// The node that a key is wherever the key alone shows, as in a connection: the live one, if there is one.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        let named = || self.nodes.range((id, MemberCode::FIRST)..).take_while(|((key, _), _)| *key == id);
        let live = named().find(|(_, node)| node.state == NodeState::Live);
        live.or_else(|| named().next()).map(|(_, node)| node)
    }

    /// Whose node this is.
    pub fn member_of(&self, node: NodeId) -> Option<&Member> {
        self.node(node).and_then(|node| self.roster.member(node.member))
    }

    /// The node that writes a log, as the member whose log it is has it.
    pub fn writer(&self, log: LogId) -> Option<&Node> {
        let opening = self.log(log)?;
        self.node_of(opening.member, opening.node)
    }

    /// The place of a log that its member vouches for.
    pub fn checkpoint(&self, log: LogId) -> Option<Checkpoint> {
        self.writer(log)?.checkpoints.iter().find(|at| at.log == log).copied()
    }

    /// Whose log this is and for whom, if a manifest names its key and the roster its audience.
    pub fn log(&self, log: LogId) -> Option<&Opening> {
        self.logs.get(&log)
    }
}

/// What a manifest says of its nodes, beside what earlier ones said. One that it no longer names signs
/// no more.
fn add_nodes(manifest: &Manifest, nodes: &mut BTreeMap<NodeId, Node>) {
    for node in nodes.values_mut().filter(|node| node.state == NodeState::Live) {
        node.state = NodeState::Retired;
    }
    for entry in &manifest.nodes {
        // Each key is a log that every node keeps: a member gets only so many in all its life.
        if nodes.len() >= MEMBER_NODES && !nodes.contains_key(&entry.node) {
            continue;
        }
        let node = Node {
            member: manifest.member,
            state: entry.state,
            addresses: entry.addresses.clone(),
            checkpoints: entry.checkpoints.clone(),
        };
        nodes.insert(entry.node, node);
    }
}

/// The roster's last word on a member that left, or whose root key changed: all its logs end where it says,
/// or those that it names, unless the member's later manifest has a checkpoint of its own for them.
fn apply_cuts(roster: &Roster, pin: &Pin, later: Option<&Manifest>, nodes: &mut BTreeMap<NodeId, Node>) {
    let has_left = roster.member(pin.member).is_none();
    let says_more = |log: LogId| {
        let checkpoints = later.into_iter().flat_map(|one| &one.nodes).flat_map(|entry| &entry.checkpoints);
        !has_left && checkpoints.into_iter().any(|at| at.log == log)
    };
    for (id, node) in nodes {
        let single = BTreeMap::from([((*id, pin.member), node.clone())]);
        let own = known_logs(roster, &single);
        let cuts: Vec<_> = pin
            .cuts
            .iter()
            .filter(|cut| own.contains_key(&cut.log) && !says_more(cut.log))
            .copied()
            .collect();
        if has_left || !cuts.is_empty() {
            (node.state, node.checkpoints) = (NodeState::Cut, cuts);
        }
    }
}

/// The log of every node, as each member's that names it, for every audience that the roster names.
fn known_logs(roster: &Roster, nodes: &BTreeMap<(NodeId, MemberCode), Node>) -> BTreeMap<LogId, Opening> {
    let groups = roster.groups.iter().map(|group| Audience::Members(group.members.clone()));
    let audiences: Vec<_> = std::iter::once(Audience::All).chain(groups).collect();
    let openings = nodes.keys().flat_map(|(node, member)| {
        audiences.iter().map(|audience| Opening { member: *member, node: *node, audience: audience.clone() })
    });
    openings.map(|opening| (opening.log_id(), opening)).collect()
}
