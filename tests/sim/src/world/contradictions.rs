//! Documents that do not stand, or not before something decides between them: rosters and manifests of one version
//! that contradict each other, what an old root key has signed, and what nobody may take.

use certmesh_engine::Document;
use certmesh_wire::{Manifest, MemberCode, MeshId, NodeState, sha256};

use super::World;
use super::changes::sorted;
use crate::council;

impl World {
    /// Two rosters of one version and round: one of them expels somebody, which comes to nothing in the end.
    pub(super) fn contradict_rosters(&mut self, of: MemberCode) {
        let round = self.chance.below(3);
        let votes = self.votes();
        let other = self.council.propose(round, votes, |roster| roster.name = "simulated, in dispute".into());
        self.expel_in_vain(of, round);
        let other = self.council.sign(Document::Roster(other));
        self.submit(other);
        self.frozen = Some(round);
        self.watch.tally.add("versions of the roster with two documents");
    }

    /// A roster that a higher round is to withdraw.
    pub(super) fn outvote(&mut self, of: MemberCode) {
        let round = self.chance.below(3);
        self.expel_in_vain(of, round);
        self.frozen = Some(round);
        self.settle_rosters();
        self.watch.tally.add("rosters that a higher round withdrew");
    }

    fn expel_in_vain(&mut self, of: MemberCode, round: u64) {
        let nodes: Vec<_> = self.founding.nodes_of(of, self.plan.nodes).collect();
        let may_leave = self.may_leave(of) && nodes.iter().all(|node| !self.nodes[*node].recovering);
        let named: Vec<_> = nodes.into_iter().filter(|node| self.is_named(*node)).collect();
        let cuts: Vec<_> = named.into_iter().filter_map(|node| self.end_when_expelled(node)).collect();
        let pin = self.council.pin(of, sorted(cuts));
        let votes = self.votes();
        let roster = self.council.propose(round, votes, |roster| match may_leave {
            true => council::change(roster, pin, None),
            false => council::set_pin(roster, pin),
        });
        let roster = self.council.sign(Document::Roster(roster));
        self.submit(roster);
    }

    /// A higher round says which roster stands.
    pub(super) fn settle_rosters(&mut self) {
        let Some(round) = self.frozen.take() else { return };
        let (votes, round) = (self.votes(), self.chance.between(round + 1, round + 3));
        let roster = self.council.propose(round, votes, |roster| roster.name = format!("round {round}"));
        self.watch.tally.add("versions of the roster settled");
        let roster = self.council.pass(roster);
        self.submit(roster);
    }

    /// Two manifests of one member and version; its next one says which counts, or the members do.
    pub(super) fn contradict_manifests(&mut self, of: MemberCode) {
        let rival = self.council.rival(of, self.watch.now);
        let rival = self.council.sign(Document::Manifest(rival));
        self.submit(rival);
        let chosen = self.council.renew(of, |_| {});
        self.submit(chosen);
        self.watch.tally.add("versions of a manifest with two documents");
        if self.frozen.is_none() && self.chance.hits(500) {
            let pin = self.council.pin(of, Vec::new());
            let votes = self.votes();
            let roster = self.council.propose(0, votes, |roster| council::set_pin(roster, pin));
            self.watch.tally.add("manifests settled by a pin");
            let roster = self.council.pass(roster);
            self.submit(roster);
        } else {
            let next = self.council.renew(of, |_| {});
            self.submit(next);
        }
    }

    /// Somebody still has the root key that a member had first, and signs with it that all its nodes are retired.
    pub(super) fn sign_with_old_key(&mut self, of: MemberCode) {
        let old = self.council.first_root_of(of).clone();
        let is_old =
            self.council.head().roster().member(of).is_some_and(|now| now.root_key != old.root_key());
        if !is_old {
            return;
        }
        let signed = self.council.draft(of, &old, |manifest| {
            manifest.roster = 0;
            manifest.nodes.iter_mut().for_each(|entry| entry.state = NodeState::Retired);
        });
        self.watch.tally.add("manifests signed with an old root key");
        let signed = self.council.sign(Document::Manifest(signed));
        self.submit(signed);
    }

    /// What nobody may take comes from operators who were deceived.
    pub(super) fn forge(&mut self, of: MemberCode) {
        for document in self.forged(of) {
            self.submit(document);
        }
    }

    /// Documents that nobody may take: without a vote that it needs, of another mesh, signed by a stranger.
    pub(super) fn forged(&mut self, of: MemberCode) -> Vec<Document> {
        if self.frozen.is_some() || self.council.manifest(of).is_none() {
            return Vec::new();
        }
        self.watch.tally.add("documents forged");
        let short =
            self.council.propose(0, self.council.quorum() - 1, |roster| roster.name = "forged".into());
        let retire = |manifest: &mut Manifest| {
            manifest.nodes.iter_mut().for_each(|entry| entry.state = NodeState::Retired);
        };
        let unsigned = self.council.draft(of, &self.founding.keys[0], retire);
        let elsewhere = self.council.draft(of, self.council.root_of(of), |manifest| {
            manifest.mesh = MeshId(sha256(&[b"a drill", &manifest.mesh.0]));
            retire(manifest);
        });
        vec![Document::Roster(short), Document::Manifest(unsigned), Document::Manifest(elsewhere)]
    }
}
