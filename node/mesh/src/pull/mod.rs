//! Pulls: one request, one answer, on a stream of their own.
//!
//! Protocol `/certmesh/pull/1`. The asker sends a frame, the request; the other side sends a status
//! byte and, if that is 0, a frame, the answer; if it is 1, two bytes that say when to ask again. A frame is a u32 length, big-endian, and that many
//! bytes. The length is checked against the wire crate's limits before anything is read or kept.

mod ask;
mod frame;
mod serve;

use libp2p::StreamProtocol;

pub use ask::PullError;
pub(crate) use ask::ask;
pub(crate) use serve::serve;

/// The protocol's name, as both sides negotiate it.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/certmesh/pull/1");

/// The first byte of what comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Status {
    /// The answer follows.
    Ok = 0,
    /// The same request may be answered later: a u16 follows, big-endian, the milliseconds to wait.
    Busy = 1,
    /// Nothing follows; the request is malformed, and will be tomorrow.
    Refused = 2,
}

impl Status {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Ok, Self::Busy, Self::Refused].into_iter().find(|status| *status as u8 == byte)
    }
}
