//! How much of the node SOC tools may take, in one place.
//!
//! What a connection costs at most: [`HEAD_BYTES`] of a request's head and as much of an answer's, and two TLS
//! records of 16 KiB; with [`CONNECTIONS`] of them, 64 MiB. What answers cost is bounded by [`PAGES`] times what the
//! engine has on a page of a collection, 2 MiB unless a single object is larger, and as much again that a text has
//! room to grow: 128 MiB if every reader is slow at once.

use std::time::Duration;

/// Connections at once. One more, and the one that has waited longest without asking for anything is cut.
pub(super) const CONNECTIONS: usize = 1_024;
/// Connections of one address at once: many tools may stand behind one. One more, and the same holds among these.
pub(super) const ADDRESS_CONNECTIONS: usize = 256;
/// Connections that the system keeps until the node has a moment for them.
pub(super) const BACKLOG: u32 = 4_096;
/// How long a client may take to send a request's head, from its first byte; and for TLS, to shake hands.
pub(super) const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may lie idle between two requests.
pub(super) const IDLE: Duration = Duration::from_secs(75);
/// How long a client may leave what is sent to it untaken.
pub(super) const STALL: Duration = Duration::from_secs(60);
/// How long a client may pause in sending a request's body.
pub(super) const BODY_PAUSE: Duration = Duration::from_secs(30);
/// How often connections are looked through for those that take too long.
pub(super) const SWEEP: Duration = Duration::from_millis(500);
/// Bytes of a request's head: a page's cursor with its filters, a token, and what proxies add.
pub(super) const HEAD_BYTES: usize = 16 * 1024;
/// Headers of a request.
pub(super) const HEADERS: usize = 64;
/// How long answers that are under way may take when the node stops.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Requests of one token at once, streams among them.
pub(super) const TOKEN_REQUESTS: usize = 64;
/// Pages in memory at once, being read from the store or taken by their clients. The next ones wait.
pub(super) const PAGES: usize = 32;
/// Those of one token, so that a tool that does not read what it asked for hinders itself.
pub(super) const TOKEN_PAGES: usize = 6;
/// Bulk checks of one token at once.
pub(super) const TOKEN_CHECKS: usize = 8;
/// Publications of one token that are taken in at once. The next ones wait.
pub(super) const TOKEN_UPLOADS: usize = 4;
/// Threads that read the store for SOC tools. Who is next waits: the disk has only so many arms.
pub(super) const READERS: usize = 16;
/// Stretches of a collection that are looked through for one page, as long as the filters pick nothing there: the
/// engine reads some thousands of objects, or tens of thousands of rows, in each.
pub(super) const LOOKS: usize = 8;
/// Bytes of the filters that a page is asked with; its cursor has them too, and has to fit in a request's head.
pub(super) const FILTER_BYTES: usize = 6 * 1024;
/// Bytes of a publication.
pub(super) const PUBLISH_BYTES: usize = 8 * 1024 * 1024;
/// Publications whose status is kept, and the bytes of all of them.
pub(super) const STATUSES: usize = 256;
/// See [`STATUSES`].
pub(super) const STATUS_BYTES: usize = 8 * 1024 * 1024;
/// Objects that a stream reads at once.
pub(super) const STREAM_OBJECTS: usize = 200;
/// Bytes of one value that is checked: the longest URLs there are.
pub(super) const VALUE_BYTES: usize = 8 * 1024;
/// Bytes of a list of values in one JSON text, which has to be whole before it is read.
pub(super) const LIST_BYTES: usize = 4 * 1024 * 1024;
/// Values of such a list: each costs more than its text.
pub(super) const LIST_VALUES: usize = 200_000;
/// Values that are checked together.
pub(super) const CHECK_PORTION: usize = 1_024;
/// Bytes of answers after which a portion ends early: a value may have hundreds of hits.
pub(super) const CHECK_TEXT_BYTES: usize = 256 * 1024;
/// Bytes of a check's answer that wait for a client which sends its whole question first.
pub(super) const CHECK_OUT_BYTES: usize = 16 * 1024 * 1024;
