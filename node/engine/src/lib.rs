//! The rules of the mesh, pure: what may enter a log, what is published, what readers see.
//!
//! Time, randomness and storage are arguments. This crate knows nothing of sockets, tasks, disks
//! or clocks, so that the daemon and the simulator run the same one.
//!
//! A record passes one door in three steps, our own records too:
//!
//! 1. [`Engine::precheck`]: size, strict decoding, known log, place; cheap, against the engine as it is;
//! 2. [`Prechecked::verify`]: the signature and the body; a pure function, for any core;
//! 3. [`Engine::admit`]: the checks against the chain once more, and what there is to write.
//!
//! What is admitted gathers in [`Steps`]. Only [`commit`] turns steps into something that may leave
//! the node: nothing is sent or shown that a power cut could take back.

mod admit;
mod allowance;
mod change;
mod commit;
mod documents;
mod engine;
mod enter;
mod export;
mod forks;
mod index;
pub mod layout;
pub mod limits;
mod membership;
mod parked;
mod publish;
mod quota;
mod receipts;
mod refusal;
mod rejudge;
mod settle;
mod signing;
pub mod store;
pub mod sync;
pub mod tokens;
mod verify;
mod views;
mod withdraw;

pub use allowance::{Used, nearly_used_up};
pub use change::EntryFault;
pub use commit::{Committed, CommittedRecord, Steps, commit};
pub use documents::{Document, DocumentFault, Documents};
pub use engine::{Engine, OpenFault, last_arrival};
pub use enter::{Candidate, Entering};
pub use export::{export, parcel};
pub use forks::{Fork, forks};
pub use index::rebuild::{Rebuilt, is_due as rebuild_is_due, order_rebuild, rebuild, rebuild_anew};
pub use layout::{Counts, LogState, StoredObject, shown_at};
pub use membership::{Membership, Node, Split};
pub use publish::PublishFault;
pub use quota::Origin;
pub use receipts::{Lag, Receipts, carriers, lags, receipts};
pub use refusal::{Refusal, Verdict};
pub use signing::{Signing, StopNote};
pub use verify::{Prechecked, PrecheckedBody, Verified, VerifiedBody};
pub use views::{
    Answer, Because, Collected, Collection, Hit, How, KnownValues, Listed, ObjectFamily, Page, Query, Reader,
    Reason, Reasons, Related, Relation, Selection, Summary, Versions, after, at, check, collect, collected,
    counts, listed, query, related, versions, why,
};
