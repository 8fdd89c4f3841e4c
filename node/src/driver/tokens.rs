//! Tokens: made and revoked by the one writer, like all that is durable; whoever serves SOC tools learns of it
//! as soon as it counts. A token that is revoked while the disk is full opens nothing from then on; that is written as soon as
//! there is room.

use std::sync::Arc;

use certmesh_engine::Steps;
use certmesh_engine::store::StoreError;
use certmesh_engine::tokens::{RANDOM_BYTES, Token, TokenFault, TokenTerms};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Owed, Shell};
use crate::clock::now_ms;

/// A token with its text, or why there is none.
pub(crate) type CreateReply = Result<(Arc<Token>, Zeroizing<String>), CreateFault>;
/// The token that no longer holds, or why there is none.
pub(crate) type RevokeReply = Result<Revoked, TokenFault>;

/// A token that no longer holds.
#[derive(Debug)]
pub(crate) struct Revoked {
    pub(crate) token: Arc<Token>,
    /// Whether that is written: the disk may be full.
    pub(crate) is_kept: bool,
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateFault {
    /// It may not be like that.
    #[error(transparent)]
    Terms(#[from] TokenFault),
    /// There is nothing to make a secret of.
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// An answer that waits for the commit.
pub(super) enum TokenAnswer {
    Created(CreateReply, oneshot::Sender<CreateReply>),
    Revoked(Result<Arc<Token>, TokenFault>, oneshot::Sender<RevokeReply>),
}

impl Shell {
    pub(super) fn create_token(
        &mut self,
        terms: TokenTerms,
        reply: oneshot::Sender<CreateReply>,
        steps: &mut Steps,
        owed: &mut Owed,
    ) {
        let mut random = Zeroizing::new([0; RANDOM_BYTES]);
        let created = getrandom::fill(random.as_mut()).map_err(CreateFault::NoRandomness);
        let created = created.and_then(|()| Ok(self.engine.create_token(terms, &random, now_ms(), steps)?));
        if let Ok((token, _)) = &created {
            let terms = &token.terms;
            tracing::info!(name = terms.name, id = %token.id, tlp = %terms.ceiling, "a token was made");
        }
        owed.tokens.push(TokenAnswer::Created(created, reply));
    }

    pub(super) fn revoke_token(
        &mut self,
        id_or_name: &str,
        reply: oneshot::Sender<RevokeReply>,
        steps: &mut Steps,
        owed: &mut Owed,
    ) {
        let revoked = self.engine.revoke_token(id_or_name, steps);
        if let Ok(token) = &revoked {
            tracing::info!(name = token.terms.name, id = %token.id, "a token was revoked");
        }
        owed.tokens.push(TokenAnswer::Revoked(revoked, reply));
    }

    /// What was made or revoked is durable: it counts from here on.
    pub(super) fn show_tokens(&self, answers: Vec<TokenAnswer>) {
        if answers.is_empty() {
            return;
        }
        self.tokens.send_replace(Arc::clone(self.engine.tokens()));
        for answer in answers {
            // Whoever asked and went away can list the tokens, and revoke what they did not get.
            match answer {
                TokenAnswer::Created(created, reply) => drop(reply.send(created)),
                TokenAnswer::Revoked(revoked, reply) => {
                    let _ = reply.send(revoked.map(|token| Revoked { token, is_kept: true }));
                }
            }
        }
    }

    /// Of what could not be written, what was revoked counts all the same, if only for want of room.
    pub(super) fn revoke_unwritten(&mut self, answers: Vec<TokenAnswer>, error: &StoreError) {
        for answer in answers {
            match answer {
                TokenAnswer::Revoked(Ok(token), reply) if error.is_full() => {
                    self.revoke_for_now(&token.id.to_string(), reply);
                }
                TokenAnswer::Revoked(Err(fault), reply) => drop(reply.send(Err(fault))),
                // A reply that is dropped says that it was not carried out.
                TokenAnswer::Created(..) | TokenAnswer::Revoked(..) => {}
            }
        }
    }

    /// Revokes a token while nothing can be written.
    pub(super) fn revoke_for_now(&mut self, id_or_name: &str, reply: oneshot::Sender<RevokeReply>) {
        let shown = Arc::clone(&self.tokens.borrow());
        let revoked = shown.find(id_or_name).map(|token| {
            tracing::warn!(name = token.terms.name, id = %token.id, "a token was revoked, which the full disk does not keep yet");
            self.tokens.send_replace(Arc::new(shown.without(token.id)));
            self.unwritten.push(Arc::clone(&token));
            Revoked { token, is_kept: false }
        });
        self.show_full_disk();
        let _ = reply.send(revoked);
    }

    /// Says which revocations end with this process, as nothing could write them.
    pub(super) fn name_unwritten(&self) {
        for token in &self.unwritten {
            tracing::error!(
                name = token.terms.name, id = %token.id,
                "this token was revoked, which the full disk has not kept: it opens the node again after the next start, until it is revoked again"
            );
        }
    }

    /// Writes what was revoked meanwhile.
    pub(super) fn write_revoked(&mut self) -> Result<(), StoreError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let mut steps = Steps::default();
        for token in &self.unwritten {
            // One that was never written needs no revoking.
            let _ = self.engine.revoke_token(&token.id.to_string(), &mut steps);
        }
        self.settle(steps, Owed::default())?;
        for token in self.unwritten.drain(..) {
            tracing::info!(name = token.terms.name, id = %token.id, "that this token was revoked is written now");
        }
        Ok(())
    }
}
