//! Where the text of a list goes while it is made: it is kept together as long as it is short enough, and goes into a file
//! else. Making never waits for who reads it, and ends when nobody does.

use std::ops::ControlFlow;

use bytes::Bytes;
use certmesh_engine::tokens::TokenId;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::spool::{Spool, Spooled, Spools};
use super::{FeedFault, Made};

/// A list that is longer than this, in bytes, is not kept.
pub(super) const KEPT_BYTES: usize = 32 * 1024 * 1024;

/// Who waits for a list, and their turn to have it made, which is others' when they begin to get it.
pub(super) type Reply = (oneshot::Sender<Result<Made, FeedFault>>, OwnedSemaphorePermit);

pub(super) struct Sink<'a> {
    /// Where files are made, and for whom.
    spools: (&'a Spools, Option<TokenId>),
    /// What is sent of a list that is too long.
    pass: &'a dyn Fn(Spooled) -> Made,
    reply: Option<Reply>,
    text: Vec<Bytes>,
    len: usize,
    spool: Option<Spool>,
    fault: Option<FeedFault>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        spools: (&'a Spools, Option<TokenId>),
        pass: &'a dyn Fn(Spooled) -> Made,
        reply: Reply,
    ) -> Self {
        Self { spools, pass, reply: Some(reply), text: Vec::new(), len: 0, spool: None, fault: None }
    }

    /// Whether anybody waits for what is made.
    pub(super) fn is_awaited(&self) -> bool {
        match &self.spool {
            Some(spool) => spool.is_read(),
            None => self.reply.as_ref().is_some_and(|(reply, _)| !reply.is_closed()),
        }
    }

    /// Takes the next piece; breaks off if no more are wanted.
    pub(super) fn take(&mut self, piece: Bytes) -> ControlFlow<()> {
        if self.fault.is_none() {
            self.fault = self.put(piece).err();
        }
        if self.fault.is_none() && self.is_awaited() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn put(&mut self, piece: Bytes) -> Result<(), FeedFault> {
        if let Some(spool) = &mut self.spool {
            return Ok(spool.write(&piece)?);
        }
        self.len += piece.len();
        self.text.push(piece);
        if self.len <= KEPT_BYTES {
            return Ok(());
        }
        let (mut spool, spooled) = self.spools.0.begin(self.spools.1)?;
        for piece in std::mem::take(&mut self.text) {
            spool.write(&piece)?;
        }
        self.spool = Some(spool);
        if let Some((reply, _turn)) = self.reply.take() {
            let _ = reply.send(Ok((self.pass)(spooled)));
        }
        Ok(())
    }

    /// Nothing more comes. What came whole is handed on as `keep` makes it of the text and of the time at which something
    /// in it ends; of what went into a file, `name` is told that time.
    pub(super) fn end(
        mut self,
        outcome: Result<u64, FeedFault>,
        keep: impl FnOnce(Vec<Bytes>, u64) -> Made,
        name: impl FnOnce(u64),
    ) {
        // What nobody waited for any more may have been broken off.
        if !self.is_awaited() {
            return;
        }
        let outcome = self.fault.take().map_or(outcome, Err);
        match (self.spool, self.reply) {
            (Some(spool), _) => spool.end(outcome.map(name)),
            (None, Some((reply, _turn))) => _ = reply.send(outcome.map(|until_ms| keep(self.text, until_ms))),
            (None, None) => {}
        }
    }
}
