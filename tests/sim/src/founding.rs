//! The mesh of a run: its members and nodes, their keys, and the documents that they agree on.

use std::collections::BTreeMap;
use std::sync::Arc;

use certmesh_engine::Membership;
use certmesh_wire::{
    Checkpoint, Consent, Manifest, Member, MemberCode, MeshId, NodeEntry, NodeId, NodeState, Roster,
    RosterLimits, SecretKey, SignedManifest, SignedRoster, sha256,
};

/// Letters that a member code is made of.
const LETTERS: usize = 26;

/// Members, nodes and keys.
#[derive(Debug)]
pub(crate) struct Founding {
    roots: Vec<SecretKey>,
    roster: SignedRoster,
    manifests: Vec<SignedManifest>,
    /// The key of each node.
    pub(crate) keys: Vec<SecretKey>,
    /// The number of each node's member.
    pub(crate) member_of: Vec<usize>,
    /// The number of each node.
    pub(crate) number: BTreeMap<NodeId, usize>,
    /// The mesh that all nodes begin with.
    pub(crate) membership: Arc<Membership>,
}

/// The code of a member by its number, below 676: `AA`, `AB`, …
pub(crate) fn code(member: usize) -> MemberCode {
    let letters = [member / LETTERS, member % LETTERS].map(|at| char::from(b'A' + at as u8));
    String::from_iter(letters).parse().expect("two letters")
}

/// The number of a member by its code.
pub(crate) fn number_of(code: MemberCode) -> usize {
    let [tens, ones] = code.bytes().map(|letter| usize::from(letter - b'A'));
    tens * LETTERS + ones
}

/// The STIX identity of a member by its number.
pub(crate) fn identity(member: usize) -> String {
    format!("identity--00000000-0000-4000-8000-{member:012}")
}

fn key(role: &str, seed: u64, number: usize) -> SecretKey {
    let words = [seed.to_be_bytes(), (number as u64).to_be_bytes()].concat();
    SecretKey::from_seed(&sha256(&[role.as_bytes(), &words]))
}

impl Founding {
    /// So many nodes, dealt to so many members in turn.
    pub(crate) fn new(nodes: usize, members: usize, seed: u64) -> Self {
        let roots: Vec<_> = (0..members).map(|member| key("root", seed, member)).collect();
        let keys: Vec<_> = (0..nodes).map(|node| key("node", seed, node)).collect();
        let member_of: Vec<_> = (0..nodes).map(|node| node % members).collect();
        let number = keys.iter().enumerate().map(|(node, key)| (key.node_id(), node)).collect();
        let roster = found_roster(&roots);
        let of = |member| nodes_of(roster.mesh(), &keys, &member_of, member, &[]);
        let manifests: Vec<_> = roots
            .iter()
            .enumerate()
            .map(|(member, root)| sign_manifest(roster.mesh(), member, root, None, of(member)))
            .collect();
        let membership =
            Membership::new(roster.clone(), manifests.clone()).expect("documents that fit together");
        Self { roots, roster, manifests, keys, member_of, number, membership: Arc::new(membership) }
    }

    /// The manifests in which members vouch for these places of their nodes' logs.
    pub(crate) fn vouching_for(&self, checkpoints: &[(usize, Checkpoint)]) -> Vec<SignedManifest> {
        let mut renewed = Vec::new();
        for (member, root) in self.roots.iter().enumerate() {
            let own: Vec<_> =
                checkpoints.iter().filter(|(node, _)| self.member_of[*node] == member).copied().collect();
            if !own.is_empty() {
                let nodes = nodes_of(self.roster.mesh(), &self.keys, &self.member_of, member, &own);
                let before = Some(&self.manifests[member]);
                renewed.push(sign_manifest(self.roster.mesh(), member, root, before, nodes));
            }
        }
        renewed
    }

    /// The mesh once everyone has these manifests too.
    pub(crate) fn with(&self, renewed: &[SignedManifest]) -> Arc<Membership> {
        let manifests = self.manifests.iter().chain(renewed).cloned();
        let membership = Membership::new(self.roster.clone(), manifests);
        Arc::new(membership.expect("documents that fit together"))
    }

    /// The code of a node's member.
    pub(crate) fn code_of(&self, node: usize) -> MemberCode {
        code(self.member_of[node])
    }
}

fn found_roster(roots: &[SecretKey]) -> SignedRoster {
    let member = |(at, root): (usize, &SecretKey)| Member {
        code: code(at),
        cert: format!("CERT-{}", code(at)),
        identity: identity(at),
        root_key: root.root_key(),
    };
    let roster = Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "simulated".into(),
        exercise: true,
        expires_ms: u64::MAX,
        members: roots.iter().enumerate().map(member).collect(),
        groups: Vec::new(),
        limits: RosterLimits::default(),
        pins: Vec::new(),
    };
    let mut signed = SignedRoster::found(roster).expect("a roster by the rules");
    for root in roots {
        signed.sign(root).expect("the root key of a member");
    }
    SignedRoster::decode(&signed.encode()).expect("what was just encoded")
}

fn nodes_of(
    mesh: MeshId,
    keys: &[SecretKey],
    member_of: &[usize],
    member: usize,
    checkpoints: &[(usize, Checkpoint)],
) -> Vec<NodeEntry> {
    let entry = |node: usize| NodeEntry {
        node: keys[node].node_id(),
        state: NodeState::Live,
        addresses: Vec::new(),
        checkpoints: checkpoints.iter().filter(|(of, _)| *of == node).map(|(_, at)| *at).collect(),
        consent: Consent::sign(mesh, code(member), &keys[node]),
    };
    let mut nodes: Vec<_> = (0..keys.len()).filter(|node| member_of[*node] == member).map(entry).collect();
    nodes.sort_by_key(|entry| entry.node);
    nodes
}

fn sign_manifest(
    mesh: MeshId,
    member: usize,
    root: &SecretKey,
    before: Option<&SignedManifest>,
    nodes: Vec<NodeEntry>,
) -> SignedManifest {
    let manifest = Manifest {
        mesh,
        member: code(member),
        version: before.map_or(0, |before| before.unverified().version + 1),
        prev: before.map(SignedManifest::id),
        roster: 0,
        expires_ms: u64::MAX,
        nodes,
    };
    SignedManifest::sign(manifest, root).expect("a manifest by the rules")
}
