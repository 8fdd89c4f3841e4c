//! Pins: where the manifests and logs of a member end that was removed, or that changed its root key.
//!
//! A roster forgets the root key of whoever leaves it. What that key has signed stays provable, since the
//! pin keeps the key, the last manifest that counts, and the place where each log ends.

use serde::{Deserialize, Serialize};

use super::{Roster, RosterFault, rises, sound_text};
use crate::audience::MemberCode;
use crate::ids::{DocumentId, RootKey};
use crate::limits::{MEMBERS, PIN_CUTS};
use crate::manifest::Checkpoint;

/// The last word on a root key that is no longer in the roster, or of a manifest chain that had split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PinFields", into = "PinFields")]
pub struct Pin {
    /// Whose manifest and logs.
    pub member: MemberCode,
    /// The CERT's name at that time, for people: a removed member is named nowhere else.
    pub cert: String,
    /// The root key that signed the manifest.
    pub root_key: RootKey,
    /// Its last manifest that counts; absent if it never had one.
    pub manifest: Option<DocumentId>,
    /// Where its logs end: sorted by log, each once.
    pub cuts: Vec<Checkpoint>,
}

type PinFields = (MemberCode, String, RootKey, Option<DocumentId>, Vec<Checkpoint>);

impl From<PinFields> for Pin {
    fn from((member, cert, root_key, manifest, cuts): PinFields) -> Self {
        Self { member, cert, root_key, manifest, cuts }
    }
}

impl From<Pin> for PinFields {
    fn from(pin: Pin) -> Self {
        (pin.member, pin.cert, pin.root_key, pin.manifest, pin.cuts)
    }
}

/// Whether the root key of a pin is that of another member.
fn is_anothers(pin: &Pin, roster: &Roster) -> bool {
    roster.members.iter().any(|member| member.root_key == pin.root_key && member.code != pin.member)
}

/// The rules of form of a roster's pins.
pub(super) fn check(roster: &Roster) -> Result<(), RosterFault> {
    let (version, pins) = (roster.version, &roster.pins);
    let rules = [
        (version > 0 || pins.is_empty(), "a pin in version 0, which nobody can have left"),
        (pins.len() <= MEMBERS, "too many pins"),
        (rises(pins.iter().map(|pin| pin.member)), "pins out of order, or one twice"),
        // Or whoever was expelled could come back under another's name.
        (!pins.iter().any(|pin| is_anothers(pin, roster)), "a member with the root key of another one's pin"),
        (pins.iter().all(|pin| sound_text(&pin.cert)), "a pin with a name that is empty or too long"),
        (pins.iter().all(|pin| pin.cuts.len() <= PIN_CUTS), "too many cuts in a pin"),
        (pins.iter().all(|pin| rises(pin.cuts.iter().map(|cut| cut.log))), "cuts out of order"),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(RosterFault::Document((*rule).to_owned())),
        None => Ok(()),
    }
}
