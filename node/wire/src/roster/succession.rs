//! How one version of the roster follows another: by the votes of the version before.
//!
//! Version n+1 names version n by its document's hash, and ⌊2m/3⌋+1 of version n's m members sign it, with
//! the root keys that version n gives them. Two such quorums share members, so that two valid documents of
//! one version and round need a third of the members to sign twice.

use super::{Pin, Roster, RosterFault, SignedRoster};
use crate::audience::MemberCode;
use crate::cose::Sign1;
use crate::key::SecretKey;

/// How many of `members` have to sign the next version: ⌊2m/3⌋ + 1.
pub fn threshold(members: usize) -> usize {
    2 * members / 3 + 1
}

impl SignedRoster {
    /// The version after `prev`, signed by nobody yet. Any round may be proposed.
    ///
    /// # Errors
    /// If `roster` is not the next version of `prev` by the rules of [`Self::succeeds`], votes aside.
    pub fn propose(prev: &Self, roster: Roster) -> Result<Self, RosterFault> {
        let proposal = Self::of_document(roster, Some(prev.mesh()))?;
        proposal.check_follows(prev)?;
        Ok(proposal)
    }

    /// Checks that this is a version after `prev` that the mesh has agreed to: the same mesh, the next
    /// version, `prev`'s document, whoever goes or changes its key pinned and no pin lost, every signature
    /// good by the root key that `prev` gives its member, and [`threshold`] of them.
    pub fn succeeds(&self, prev: &Self) -> Result<(), RosterFault> {
        self.check_follows(prev)?;
        let found = self.voters(prev)?.len();
        let needed = threshold(prev.roster.members.len());
        if found < needed { Err(RosterFault::TooFewVotes { found, needed }) } else { Ok(()) }
    }

    /// The members of `prev` that have signed this document, in order of their codes.
    ///
    /// # Errors
    /// If a signature is of no member of `prev`, or not by its root key.
    pub fn voters(&self, prev: &Self) -> Result<Vec<MemberCode>, RosterFault> {
        let voter = |(code, signature): &(MemberCode, [u8; 64])| {
            self.check_signature(*code, signature, &prev.roster).map(|()| *code)
        };
        self.signatures.iter().map(voter).collect()
    }

    /// Signs as a member of `prev`, whose next version this has to be; says which member it was.
    pub fn sign_as_voter(&mut self, key: &SecretKey, prev: &Self) -> Result<MemberCode, RosterFault> {
        self.check_follows(prev)?;
        let code = prev.roster.holder(key.root_key())?;
        let signed = Sign1::sign(self.document.clone(), super::AAD, key);
        self.put_signature(code, signed.signature);
        Ok(code)
    }

    /// Everything that [`Self::succeeds`] asks for but the votes.
    pub fn check_follows(&self, prev: &Self) -> Result<(), RosterFault> {
        let (found, expected) = (self.mesh(), prev.mesh());
        if found != expected {
            return Err(RosterFault::OtherMesh { found, expected });
        }
        let (version, after) = (self.roster.version, prev.roster.version);
        let rules = [
            (after.checked_add(1) == Some(version), "it is not the next version"),
            (self.roster.prev == Some(prev.id()), "it names another document as the version before"),
            (
                self.roster.exercise == prev.roster.exercise,
                "an exercise stays one, and what is real never becomes one",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, why)) => Err(RosterFault::NotSuccessor { version, after, why }),
            None => check_pins(&self.roster, &prev.roster),
        }
    }
}

/// Whoever goes or changes its key is pinned, no pin is lost, and none appears from nowhere.
fn check_pins(roster: &Roster, prev: &Roster) -> Result<(), RosterFault> {
    let leaves = |code, key| roster.member(code).is_none_or(|member| member.root_key != key);
    for member in prev.members.iter().filter(|member| leaves(member.code, member.root_key)) {
        let pin = roster.pin(member.code).ok_or(RosterFault::Unpinned(member.code))?;
        if pin.root_key != member.root_key {
            return Err(RosterFault::WrongPin(member.code));
        }
    }
    if let Some(lost) = prev.pins.iter().find(|pin| roster.pin(pin.member).is_none()) {
        return Err(RosterFault::LostPin(lost.member));
    }
    match roster.pins.iter().find(|pin| !has_ground(pin, prev)) {
        Some(pin) => Err(RosterFault::WrongPin(pin.member)),
        None => Ok(()),
    }
}

/// Whether a pin is one of the version before, or of a root key that this version gives its member. The
/// members may move the cuts of an older pin, but not name another last manifest under it.
fn has_ground(pin: &Pin, prev: &Roster) -> bool {
    let of_member = prev.member(pin.member).is_some_and(|member| member.root_key == pin.root_key);
    let carried = prev.pin(pin.member).is_some_and(|old| {
        (old.root_key, old.manifest, &old.cert) == (pin.root_key, pin.manifest, &pin.cert)
    });
    of_member || carried
}
