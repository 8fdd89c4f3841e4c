//! What each token may take at once, so that one tool that has lost its mind leaves the others theirs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use certmesh_engine::tokens::TokenId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Problem;
use super::limits::{PAGES, TOKEN_CHECKS, TOKEN_PAGES, TOKEN_REQUESTS, TOKEN_UPLOADS};

/// What all tokens share.
pub(super) struct Shares {
    tokens: Mutex<BTreeMap<TokenId, Arc<Share>>>,
    pages: Arc<Semaphore>,
}

/// What is one token's.
struct Share {
    requests: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

/// Room for a page in memory.
pub(super) struct PageRoom {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Shares {
    pub(super) fn new() -> Self {
        Self { tokens: Mutex::default(), pages: Arc::new(Semaphore::new(PAGES)) }
    }

    /// A place for one request, for as long as its answer is under way.
    pub(super) fn enter(&self, token: TokenId) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.of(token).requests).try_acquire_owned();
        place.map_err(|_| {
            let error = format!("{TOKEN_REQUESTS} requests with this token are under way already");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, error)
                .hint("read the answers, or give each tool a token of its own")
                .with(RETRY_AFTER, "1")
        })
    }

    /// Waits for room for a page: first among this token's, then among all.
    pub(super) async fn page(&self, token: TokenId) -> Result<PageRoom, Problem> {
        let own = Arc::clone(&self.of(token).pages).acquire_owned().await;
        let own = own.map_err(|_| Problem::stopping())?;
        let all = Arc::clone(&self.pages).acquire_owned().await.map_err(|_| Problem::stopping())?;
        Ok(PageRoom { _own: own, _all: all })
    }

    /// A place for a bulk check, which may go on for ever.
    pub(super) fn check(&self, token: TokenId) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.of(token).checks).try_acquire_owned();
        place.map_err(|_| {
            let error = format!("{TOKEN_CHECKS} bulk checks with this token are under way already");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, error)
                .hint("wait until one has ended, or give each tool a token of its own")
                .with(RETRY_AFTER, "5")
        })
    }

    /// Waits for a place for a publication.
    pub(super) async fn upload(&self, token: TokenId) -> Result<OwnedSemaphorePermit, Problem> {
        let uploads = Arc::clone(&self.of(token).uploads);
        uploads.acquire_owned().await.map_err(|_| Problem::stopping())
    }

    fn of(&self, token: TokenId) -> Arc<Share> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // Tokens that were revoked leave nothing behind.
        tokens.retain(|id, share| *id == token || Arc::strong_count(share) > 1 || share.is_used());
        let share = tokens.entry(token).or_insert_with(|| {
            Arc::new(Share {
                requests: Arc::new(Semaphore::new(TOKEN_REQUESTS)),
                pages: Arc::new(Semaphore::new(TOKEN_PAGES)),
                checks: Arc::new(Semaphore::new(TOKEN_CHECKS)),
                uploads: Arc::new(Semaphore::new(TOKEN_UPLOADS)),
            })
        });
        Arc::clone(share)
    }
}

impl Share {
    fn is_used(&self) -> bool {
        // An upload is part of its request.
        self.requests.available_permits() < TOKEN_REQUESTS
            || self.pages.available_permits() < TOKEN_PAGES
            || self.checks.available_permits() < TOKEN_CHECKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_takes_all_hinders_itself() {
        let shares = Shares::new();
        let one: TokenId = "010101010101".parse().unwrap();
        let places: Vec<_> = (0..TOKEN_REQUESTS).map(|_| shares.enter(one).unwrap()).collect();
        assert_eq!(shares.enter(one).unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(shares.enter("020202020202".parse().unwrap()).is_ok());
        drop(places);
        assert!(shares.enter(one).is_ok());
        let checks: Vec<_> = (0..TOKEN_CHECKS).map(|_| shares.check(one).unwrap()).collect();
        assert_eq!(shares.check(one).unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(shares.check("020202020202".parse().unwrap()).is_ok());
        drop(checks);
        assert!(shares.check(one).is_ok());
        drop(shares.enter("030303030303".parse().unwrap()).unwrap());
        assert!(shares.tokens.lock().unwrap().len() <= 2, "what is not used is forgotten");
    }
}
