//! What a request has to show before a route answers it: a type, so that the route's handler can't be written
//! without saying which.
//!
//! A handler takes a [`Call`](super::route::Call) of one of these. [`Granted`] can be made by checking a token
//! alone, and it is the only way to the store: what it reads with is the token's ceiling.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, StatusCode};
use certmesh_engine::Reader;
use certmesh_engine::store::{Readable, StoreError};
use certmesh_engine::tokens::{Denied, Scope, Token, TokenId, Tokens};
use tokio::sync::watch;

use super::Soc;
use super::answer::Problem;
use super::credentials;
use crate::awaited::Awaited;
use crate::clock::now_ms;

/// What a request has to show.
pub(super) trait Policy: Sized + Send + 'static {
    /// What its token has to be for; nothing, where anybody may ask.
    const SCOPE: Option<Scope>;

    /// Checks a request by its head.
    fn admit(soc: &Arc<Soc>, from: IpAddr, headers: &HeaderMap) -> Result<Self, Problem>;

    /// The token that was shown.
    fn token(&self) -> Option<&Arc<Token>>;
}

/// Anybody may ask: the answer holds no intelligence.
pub(super) struct Public;

impl Policy for Public {
    const SCOPE: Option<Scope> = None;

    fn admit(_: &Arc<Soc>, _: IpAddr, _: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn token(&self) -> Option<&Arc<Token>> {
        None
    }
}

/// What a token may be for, as a type.
pub(super) trait For: Send + Sync + 'static {
    /// The same as a value.
    const SCOPE: Scope;

    /// Whether this token is.
    fn opens(token: &Token) -> bool {
        token.may(Self::SCOPE)
    }
}

macro_rules! scopes {
    ($($name:ident),*) => {
        $(
            /// See the [`Scope`] of this name.
            pub(super) struct $name;

            impl For for $name {
                const SCOPE: Scope = Scope::$name;
            }
        )*
    };
}

scopes!(Taxii, Feeds, Check, Stream, Metrics, Publish);

/// For reading through TAXII, or for publishing: both begin by looking round.
pub(super) struct AnyTaxii;

impl For for AnyTaxii {
    const SCOPE: Scope = Scope::Taxii;

    fn opens(token: &Token) -> bool {
        token.may(Scope::Taxii) || token.may(Scope::Publish)
    }
}

/// A token that holds, and is for this.
pub(super) struct Granted<S> {
    token: Arc<Token>,
    soc: Arc<Soc>,
    scope: PhantomData<S>,
}

impl<S: For> Policy for Granted<S> {
    const SCOPE: Option<Scope> = Some(S::SCOPE);

    fn admit(soc: &Arc<Soc>, from: IpAddr, headers: &HeaderMap) -> Result<Self, Problem> {
        let presented = credentials::presented(headers).ok_or_else(|| unauthorized("a token is needed"))?;
        let tokens = Arc::clone(&soc.node.tokens.borrow());
        // The operator learns which tool is stuck; of a token whose secret is wrong, nothing is known.
        let say = |token: &Token, why: &dyn std::fmt::Display| {
            tracing::warn!(token = token.terms.name, %from, "refused: {why}");
        };
        let token = tokens.admit(&presented, from, now_ms()).map_err(|denied| {
            if denied != Denied::Unknown {
                tokens.find(&presented).iter().for_each(|token| say(token, &denied));
            }
            match denied {
                Denied::Unknown => unauthorized(denied),
                Denied::Expired => {
                    unauthorized(denied).hint("the node's operator makes another: `certmesh token create`")
                }
                Denied::Network => Problem::new(StatusCode::FORBIDDEN, denied).hint(format!(
                    "the connection comes from {from}; the token's networks were given when it was made"
                )),
            }
        })?;
        if !S::opens(&token) {
            let error = format!("this token is not for {}", S::SCOPE);
            say(&token, &error);
            return Err(Problem::new(StatusCode::FORBIDDEN, error)
                .hint("a token's scopes never change: make another one with `certmesh token create`"));
        }
        Ok(Self { token, soc: Arc::clone(soc), scope: PhantomData })
    }

    fn token(&self) -> Option<&Arc<Token>> {
        Some(&self.token)
    }
}

fn unauthorized(error: impl ToString) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, error)
        .hint("send it as `Authorization: Bearer TOKEN`, or as the password of any user name")
        .with(WWW_AUTHENTICATE, "Bearer realm=\"certmesh\"")
        .with(WWW_AUTHENTICATE, "Basic realm=\"certmesh\", charset=\"UTF-8\"")
}

impl<S: For> Granted<S> {
    /// What the token is.
    pub(super) fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// Reads one moment of the store, on a thread that may block, and sees what the token may see. Reading ends when what
    /// this gives is dropped, since the client has gone: `read` then fails, and whatever it holds is given back.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Readable, &Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = Arc::clone(&self.soc.node.store);
        let reader = Reader { ceiling: self.token.terms.ceiling, now_ms: now_ms() };
        let asker = Arc::new(());
        let asked = Arc::downgrade(&asker);
        let is_awaited = move || asked.strong_count() > 0;
        let reading =
            move || store.frozen(|moment| read(&Awaited { of: moment, is_awaited: &is_awaited }, &reader));
        let found = tokio::task::spawn_blocking(reading).await;
        drop(asker);
        Ok(found.map_err(|_| Problem::stopping())??)
    }

    /// Whether the token's maker knows that what it reads may be of an exercise.
    pub(super) fn may_read_exercises(&self) -> bool {
        self.token.terms.exercise
    }

    /// Waits until the token no longer holds.
    pub(super) fn end(&self) -> impl Future<Output = ()> + Send + use<S> {
        ended(self.soc.node.tokens.clone(), self.token.id, self.token.terms.expires_ms)
    }
}

async fn ended(mut tokens: watch::Receiver<Arc<Tokens>>, id: TokenId, expires_ms: u64) {
    loop {
        let now = now_ms();
        if !tokens.borrow_and_update().holds(id, now) {
            return;
        }
        // A clock may be set meanwhile: looked at again within the hour.
        let left = std::time::Duration::from_millis(expires_ms.saturating_sub(now).clamp(1, 3_600_000));
        let _ = tokio::time::timeout(left, tokens.changed()).await;
    }
}
