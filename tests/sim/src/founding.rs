//! The machines of a run: whose they are, and their keys.

use std::collections::BTreeMap;

use certmesh_wire::{
    Checkpoint, Consent, MemberCode, MeshId, NodeEntry, NodeId, NodeState, SecretKey, sha256,
};

use crate::plan::Plan;

/// Letters that a member code is made of.
const LETTERS: usize = 26;

/// Nodes and keys.
#[derive(Debug)]
pub(crate) struct Founding {
    /// The key of each node.
    pub(crate) keys: Vec<SecretKey>,
    /// The number of each node's member.
    member_of: Vec<usize>,
    /// The number of each node.
    pub(crate) number: BTreeMap<NodeId, usize>,
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

/// The key with this number, of those that have this role.
pub(crate) fn key(role: &str, seed: u64, number: usize) -> SecretKey {
    let words = [seed.to_be_bytes(), (number as u64).to_be_bytes()].concat();
    SecretKey::from_seed(&sha256(&[role.as_bytes(), &words]))
}

impl Founding {
    pub(crate) fn new(plan: &Plan) -> Self {
        let keys: Vec<_> = (0..plan.nodes).map(|node| key("node", plan.seed, node)).collect();
        let number = keys.iter().enumerate().map(|(node, key)| (key.node_id(), node)).collect();
        Self { keys, member_of: plan.member_of.clone(), number }
    }

    /// What a manifest says of a node.
    pub(crate) fn entry(
        &self,
        mesh: MeshId,
        node: usize,
        state: NodeState,
        checkpoints: Vec<Checkpoint>,
    ) -> NodeEntry {
        NodeEntry {
            node: self.keys[node].node_id(),
            state,
            addresses: Vec::new(),
            checkpoints,
            consent: Consent::sign(mesh, self.code_of(node), &self.keys[node]),
        }
    }

    /// The nodes of a member, of the first so many.
    pub(crate) fn nodes_of(&self, member: MemberCode, first: usize) -> impl Iterator<Item = usize> + '_ {
        (0..first).filter(move |node| self.code_of(*node) == member)
    }

    /// The code of a node's member.
    pub(crate) fn code_of(&self, node: usize) -> MemberCode {
        code(self.member_of[node])
    }
}
