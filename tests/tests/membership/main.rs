//! Membership that changes while the mesh runs, page by page as `node/docs/operating.md` has it: real processes on loopback,
//! the operators' command for all that people do, nothing restarted that need not be. Page 13, a full disk, is `full_disk`'s.
#![allow(clippy::unwrap_used)]

mod away;
mod desk;
mod eighth;
mod founding;
mod keys;
mod votes;
