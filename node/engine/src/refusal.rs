//! Why a record is not taken, and what that says of whoever sent it.

use certmesh_wire::{BadSignature, LogId, MemberCode, RecordFault, RecordId};

use crate::store::StoreError;

/// What a gossip network is told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Taken: pass it on.
    Accept,
    /// Not taken, which is nobody's fault, or not the sender's.
    Ignore,
    /// Wrong for ever: whoever passes it on is at fault.
    Reject,
}

/// Why a record was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no record.
    #[error(transparent)]
    Record(#[from] RecordFault),
    /// No manifest and audience that this node knows make this log.
    #[error("record of log {0}, which no manifest at hand names")]
    UnknownLog(LogId),
    /// The log's key did not sign it.
    #[error("record {id}: the signature of its log's node does not match")]
    Signature {
        /// The record.
        id: RecordId,
    },
    /// It is here.
    #[error("record {0} is here already")]
    Duplicate(RecordId),
    /// Records before it are missing.
    #[error("record {id} has seq {seq}, and this node needs {next} first")]
    Gap {
        /// The record.
        id: RecordId,
        /// Its place.
        seq: u64,
        /// The place that comes next here.
        next: u64,
        /// Whether it is kept until its predecessors come.
        parked: bool,
    },
    /// Another record has its place, or it names another predecessor.
    #[error("record {id} contradicts the log at seq {seq}: its author has signed two histories")]
    Fork {
        /// The record.
        id: RecordId,
        /// Its place.
        seq: u64,
    },
    /// Its place lies at or beyond a fork of its log.
    #[error("record {id} lies beyond the fork of its log, at seq {seq}: its member has to settle it")]
    Disputed {
        /// The record.
        id: RecordId,
        /// Its place.
        seq: u64,
    },
    /// Two records that were sent as the proof of a fork prove none.
    #[error("record {0} and the one beside it prove no fork")]
    NoFork(RecordId),
    /// Its author's member sends faster than its share, and others have something to say.
    #[error("record {id} is put off: {member} sends more than its share")]
    OverRate {
        /// The record.
        id: RecordId,
        /// The author's member.
        member: MemberCode,
    },
    /// It names an older roster than its predecessor does.
    #[error("record {id} names roster version {found}, older than its predecessor's {head}")]
    RosterDecreases {
        /// The record.
        id: RecordId,
        /// The version it names.
        found: u64,
        /// The version that its predecessor names.
        head: u64,
    },
    /// It names a roster that this node does not have yet.
    #[error("record {id} names roster version {found}, and this node has {known}")]
    RosterAhead {
        /// The record.
        id: RecordId,
        /// The version it names.
        found: u64,
        /// The newest version here.
        known: u64,
    },
    /// Its marking is not for its log's audience.
    #[error("record {id} is marked TLP:RED or TLP:AMBER+STRICT, which may not go to all members")]
    Tlp {
        /// The record.
        id: RecordId,
    },
    /// It lies beyond the place where its member's manifest cut the log, or contradicts a checkpoint.
    #[error("record {id} is not in the part of this log that its member vouches for")]
    Cut {
        /// The record.
        id: RecordId,
    },
    /// Its log has used up what the roster allows a log.
    #[error("record {id}: its log has used up what the roster allows one log")]
    Allowance {
        /// The record.
        id: RecordId,
    },
    /// No record here waits for this body.
    #[error("a body for seq {seq} of log {log}, which does not wait for one")]
    BodyUnwanted {
        /// The log.
        log: LogId,
        /// The place.
        seq: u64,
    },
    /// What came as its body is something else.
    #[error("record {0} came with a body that is not the one it names")]
    BodyMismatch(RecordId),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refusal {
    /// A word for counters and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Record(RecordFault::Version(_)) => "newer-version",
            Self::Record(_) => "malformed",
            Self::UnknownLog(_) => "unknown-log",
            Self::Signature { .. } => "bad-signature",
            Self::Duplicate(_) => "duplicate",
            Self::Gap { .. } => "gap",
            Self::Fork { .. } => "fork",
            Self::Disputed { .. } => "disputed",
            Self::OverRate { .. } => "over-rate",
            Self::NoFork(_) => "no-fork",
            Self::RosterDecreases { .. } => "roster-decreases",
            Self::RosterAhead { .. } => "roster-ahead",
            Self::Tlp { .. } => "tlp",
            Self::Cut { .. } => "cut",
            Self::Allowance { .. } => "allowance",
            Self::BodyUnwanted { .. } => "body-unwanted",
            Self::BodyMismatch(_) => "body-mismatch",
            Self::Store(_) => "store",
        }
    }

    /// Reject what no other node could ever take either; Ignore what depends on what is known here.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Record(RecordFault::Version(_)) => Verdict::Ignore,
            Self::Record(_)
            | Self::Signature { .. }
            | Self::RosterDecreases { .. }
            | Self::Tlp { .. }
            | Self::BodyMismatch(_) => Verdict::Reject,
            _ => Verdict::Ignore,
        }
    }

    /// The record, if it was kept until its predecessors come, so that a verdict on it can wait.
    pub fn parked(&self) -> Option<RecordId> {
        match self {
            Self::Gap { id, parked: true, .. } => Some(*id),
            _ => None,
        }
    }

    /// Whether it is part of ordinary gossip: nothing to tell an operator.
    pub fn is_ordinary(&self) -> bool {
        matches!(
            self,
            Self::Duplicate(_)
                | Self::Gap { .. }
                | Self::Disputed { .. }
                | Self::BodyUnwanted { .. }
                | Self::OverRate { .. }
        )
    }
}

impl Refusal {
    pub(crate) fn signature(id: RecordId) -> impl FnOnce(BadSignature) -> Self {
        move |_| Self::Signature { id }
    }
}
