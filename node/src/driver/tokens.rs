//! Tokens: made and revoked by the one writer, like all that is durable; whoever serves SOC tools learns of it
//! as soon as it counts.

use std::sync::Arc;

use certmesh_engine::Steps;
use certmesh_engine::tokens::{RANDOM_BYTES, Token, TokenFault, TokenTerms};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Owed, Shell};
use crate::clock::now_ms;

/// A token with its text, or why there is none.
pub(crate) type CreateReply = Result<(Arc<Token>, Zeroizing<String>), CreateFault>;
/// The token that no longer holds.
pub(crate) type RevokeReply = Result<Arc<Token>, TokenFault>;

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
    Revoked(RevokeReply, oneshot::Sender<RevokeReply>),
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
                TokenAnswer::Revoked(revoked, reply) => drop(reply.send(revoked)),
            }
        }
    }
}
