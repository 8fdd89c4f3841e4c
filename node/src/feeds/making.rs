//! A list in the making: text goes out in pieces, and making ends when nobody takes them any more.

use std::ops::ControlFlow;

use bytes::Bytes;
use certmesh_engine::store::Readable;
use certmesh_engine::{Membership, Reader};
use certmesh_intel::allow::AllowList;
use certmesh_intel::formats::Head;

use super::FeedFault;

/// Text that is handed on together, in bytes.
const PIECE_BYTES: usize = 128 * 1024;

/// What a list is made of.
pub(super) struct Making<'a> {
    pub(super) store: &'a dyn Readable,
    pub(super) membership: &'a Membership,
    pub(super) reader: Reader,
    pub(super) allow: &'a AllowList,
    pub(super) head: Head<'a>,
    pub(super) out: Out<'a>,
}

/// Where the text goes.
pub(super) struct Out<'a> {
    text: String,
    /// From when on the list is another, whatever the views do: something in it ends then. Milliseconds since 1970 UTC.
    until_ms: u64,
    take: &'a mut dyn FnMut(Bytes) -> ControlFlow<()>,
}

impl<'a> Out<'a> {
    pub(super) fn new(take: &'a mut dyn FnMut(Bytes) -> ControlFlow<()>) -> Self {
        Self { text: String::new(), until_ms: u64::MAX, take }
    }

    /// The text so far, to append to.
    pub(super) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Hands text on, if there is enough.
    pub(super) fn flow(&mut self) -> ControlFlow<()> {
        if self.text.len() < PIECE_BYTES { ControlFlow::Continue(()) } else { self.flush() }
    }

    /// Hands on what there is.
    pub(super) fn flush(&mut self) -> ControlFlow<()> {
        if self.text.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.take)(std::mem::take(&mut self.text).into())
    }

    /// What was written ends then.
    pub(super) fn ends(&mut self, at_ms: Option<u64>) {
        self.until_ms = self.until_ms.min(at_ms.unwrap_or(u64::MAX));
    }

    /// See [`Self::until_ms`].
    pub(super) fn until_ms(&self) -> u64 {
        self.until_ms
    }
}

/// What making a list comes to.
pub(super) type Outcome = Result<(), FeedFault>;
