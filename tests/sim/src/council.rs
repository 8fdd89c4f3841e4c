//! The members, and what they sign: rosters and manifests, those that stand and their rivals. It is the
//! truth that all honest nodes have to come to, kept in the order in which things were decided, and so
//! without any of the engine's rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use certmesh_engine::{Document, Documents, Membership};
use certmesh_wire::{
    Checkpoint, Manifest, Member, MemberCode, MeshId, NodeEntry, NodeId, NodeState, Pin, Roster,
    RosterLimits, SecretKey, SignedManifest, SignedRoster, threshold,
};

use crate::founding::{code, identity, key, number_of};

/// What the members have decided.
#[derive(Debug)]
pub(crate) struct Council {
    seed: u64,
    /// Every root key that each member ever had; the last one is in use.
    roots: BTreeMap<MemberCode, Vec<SecretKey>>,
    /// The rosters that stand, by version.
    rosters: Vec<SignedRoster>,
    /// The manifests of each member that stand, by version.
    manifests: BTreeMap<MemberCode, Vec<SignedManifest>>,
    /// Everything that was ever signed, but for the first roster, in the order of its signing.
    documents: Vec<Document>,
}

/// A root key of a member, of however many it has had before.
fn root(seed: u64, member: MemberCode, before: usize) -> SecretKey {
    key("root", seed, number_of(member) + 1_000 * before)
}

fn member(of: MemberCode, root: &SecretKey) -> Member {
    Member {
        code: of,
        cert: format!("CERT-{of}"),
        identity: identity(number_of(of)),
        root_key: root.root_key(),
    }
}

impl Council {
    /// So many members agree on a mesh, and each says which nodes it runs.
    pub(crate) fn found(
        seed: u64,
        members: usize,
        nodes: impl Fn(MeshId, MemberCode) -> Vec<NodeEntry>,
    ) -> Self {
        let codes: Vec<_> = (0..members).map(code).collect();
        let roots: BTreeMap<_, _> = codes.iter().map(|code| (*code, vec![root(seed, *code, 0)])).collect();
        let roster = Roster {
            version: 0,
            round: 0,
            prev: None,
            name: "simulated".into(),
            exercise: true,
            expires_ms: u64::MAX,
            members: roots.iter().map(|(code, roots)| member(*code, &roots[0])).collect(),
            groups: Vec::new(),
            limits: RosterLimits::default(),
            pins: Vec::new(),
        };
        let mut signed = SignedRoster::found(roster).expect("a roster by the rules");
        for root in roots.values() {
            signed.sign(&root[0]).expect("the root key of a member");
        }
        let signed = SignedRoster::decode(&signed.encode()).expect("what was just encoded");
        let mesh = signed.mesh();
        let mut council =
            Self { seed, roots, rosters: vec![signed], manifests: BTreeMap::new(), documents: Vec::new() };
        for code in codes {
            council.renew(code, |entries| *entries = nodes(mesh, code));
        }
        council
    }

    pub(crate) fn mesh(&self) -> MeshId {
        self.rosters[0].mesh()
    }

    /// The roster that stands.
    pub(crate) fn head(&self) -> &SignedRoster {
        &self.rosters[self.rosters.len() - 1]
    }

    /// The codes of all members.
    pub(crate) fn members(&self) -> Vec<MemberCode> {
        self.head().roster().members.iter().map(|member| member.code).collect()
    }

    /// The manifest of a member that stands.
    pub(crate) fn manifest(&self, of: MemberCode) -> Option<&SignedManifest> {
        self.manifests.get(&of)?.last()
    }

    /// What a member's manifest says of its nodes.
    pub(crate) fn entries(&self, of: MemberCode) -> &[NodeEntry] {
        self.manifest(of).map_or(&[], |signed| &signed.unverified().nodes)
    }

    /// Whether a member has ever named this node.
    pub(crate) fn has_named(&self, of: MemberCode, node: NodeId) -> bool {
        let manifests = self.manifests.get(&of).into_iter().flatten();
        manifests.flat_map(|signed| &signed.unverified().nodes).any(|entry| entry.node == node)
    }

    /// Whether a node is in use, as its member says.
    pub(crate) fn is_live(&self, of: MemberCode, node: NodeId) -> bool {
        let entry = |entry: &&NodeEntry| entry.node == node && entry.state == NodeState::Live;
        self.head().roster().member(of).is_some() && self.entries(of).iter().find(entry).is_some()
    }

    /// Everything that was ever signed.
    pub(crate) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// What these documents amount to, as a node finds them in its files.
    pub(crate) fn bundle(&self) -> Arc<Membership> {
        let mut all = Documents::found(self.rosters[0].clone()).expect("the first roster");
        let mut waiting = self.documents.clone();
        loop {
            let before = waiting.len();
            waiting.retain(|document| all.enter(document.clone()).is_err_and(|fault| fault.is_early()));
            if waiting.len() == before {
                return Arc::new(Membership::of(all));
            }
        }
    }

    /// A roster after the one that stands, in this round, with so many votes.
    pub(crate) fn propose(&self, round: u64, votes: usize, change: impl FnOnce(&mut Roster)) -> SignedRoster {
        let head = self.head();
        let version = head.roster().version + 1;
        let mut roster = Roster { version, round, prev: Some(head.id()), ..head.roster().clone() };
        change(&mut roster);
        let mut signed = SignedRoster::propose(head, roster).expect("a roster by the rules");
        for code in self.members().into_iter().rev().take(votes) {
            signed.sign_as_voter(self.root_of(code), head).expect("the root key of a member");
        }
        signed
    }

    /// How many votes the next roster needs.
    pub(crate) fn quorum(&self) -> usize {
        threshold(self.head().roster().members.len())
    }

    /// A roster stands from here on.
    pub(crate) fn pass(&mut self, signed: SignedRoster) -> Document {
        self.rosters.push(signed.clone());
        self.sign(Document::Roster(signed))
    }

    /// A document is signed, and does not stand.
    pub(crate) fn sign(&mut self, document: Document) -> Document {
        self.documents.push(document.clone());
        document
    }

    /// The root key that is in use.
    pub(crate) fn root_of(&self, of: MemberCode) -> &SecretKey {
        let roots = &self.roots[&of];
        &roots[roots.len() - 1]
    }

    /// The root key that a member had first.
    pub(crate) fn first_root_of(&self, of: MemberCode) -> &SecretKey {
        &self.roots[&of][0]
    }

    /// The root key that a member will have next.
    pub(crate) fn next_root(&self, of: MemberCode) -> SecretKey {
        root(self.seed, of, self.roots.get(&of).map_or(0, Vec::len))
    }

    /// A member uses its next root key from here on.
    pub(crate) fn change_root(&mut self, of: MemberCode) {
        let next = self.next_root(of);
        self.roots.entry(of).or_default().push(next);
    }

    /// The last word on a member's logs and on its last manifest.
    pub(crate) fn pin(&self, of: MemberCode, cuts: Vec<Checkpoint>) -> Pin {
        let member = self.head().roster().member(of).expect("a member");
        let manifest = self.manifest(of).map(SignedManifest::id);
        Pin { member: of, cert: member.cert.clone(), root_key: member.root_key, manifest, cuts }
    }

    /// A manifest after the one of a member that stands, signed by this key.
    pub(crate) fn draft(
        &self,
        of: MemberCode,
        root: &SecretKey,
        edit: impl FnOnce(&mut Manifest),
    ) -> SignedManifest {
        let before = self.manifest(of);
        let mut manifest = Manifest {
            mesh: self.mesh(),
            member: of,
            version: before.map_or(0, |before| before.unverified().version + 1),
            prev: before.map(SignedManifest::id),
            roster: self.head().roster().version,
            expires_ms: u64::MAX,
            nodes: self.entries(of).to_vec(),
        };
        edit(&mut manifest);
        manifest.nodes.sort_by_key(|entry| entry.node);
        SignedManifest::sign(manifest, root).expect("a manifest by the rules")
    }

    /// A rival of a member's next manifest: valid, and not the one that stands.
    pub(crate) fn rival(&self, of: MemberCode, expires_ms: u64) -> SignedManifest {
        self.draft(of, self.root_of(of), |manifest| manifest.expires_ms = expires_ms)
    }

    /// A member's manifest stands from here on.
    pub(crate) fn publish(&mut self, signed: SignedManifest) -> Document {
        self.manifests.entry(signed.unverified().member).or_default().push(signed.clone());
        self.sign(Document::Manifest(signed))
    }

    /// A member changes what its manifest says of its nodes.
    pub(crate) fn renew(&mut self, of: MemberCode, edit: impl FnOnce(&mut Vec<NodeEntry>)) -> Document {
        let signed = self.draft(of, self.root_of(of), |manifest| edit(&mut manifest.nodes));
        self.publish(signed)
    }
}

/// A member comes to a roster.
pub(crate) fn add(roster: &mut Roster, of: MemberCode, root: &SecretKey) {
    roster.members.push(member(of, root));
    roster.members.sort_by_key(|member| member.code);
}

/// A member goes from a roster, or changes its root key, and is pinned.
pub(crate) fn change(roster: &mut Roster, pin: Pin, root: Option<&SecretKey>) {
    let of = pin.member;
    match root {
        Some(root) => {
            let changed = roster.members.iter_mut().filter(|member| member.code == of);
            changed.for_each(|member| member.root_key = root.root_key());
        }
        None => roster.members.retain(|member| member.code != of),
    }
    set_pin(roster, pin);
}

/// A member is pinned, and stays as it is.
pub(crate) fn set_pin(roster: &mut Roster, pin: Pin) {
    roster.pins.retain(|other| other.member != pin.member);
    roster.pins.push(pin);
    roster.pins.sort_by_key(|pin| pin.member);
}
