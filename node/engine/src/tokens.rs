//! Tokens: what lets a SOC tool read from this node, and how much of it.
//!
//! A token is shown once, when it is made, as `certmesh_<id>_<secret>`. The store keeps a hash of the secret;
//! nobody who reads the disk can use the token. What a token may never changes, its ceiling least of all:
//! whoever needs another one makes another one, so that no cursor crosses a ceiling.

mod stored;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use certmesh_intel::Tlp;
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::commit::Steps;
use crate::engine::Engine;
use crate::limits::{TOKEN_NETWORKS, TOKENS};
use crate::store::{Family, Store, StoreError};
use text::Presented;
pub use text::{ParseTokenIdError, RANDOM_BYTES, TokenId};

/// How long a token holds unless its maker says otherwise: 90 days, in milliseconds.
pub const TOKEN_LIFE_MS: u64 = 90 * DAY_MS;
/// The longest that a token may hold: a year and a day's leap, in milliseconds.
pub const LONGEST_TOKEN_LIFE_MS: u64 = 366 * DAY_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The most characters of a token's name.
const NAME_LEN: usize = 64;

/// What a token may be used for. Each SOC route asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Reading through TAXII.
    Taxii,
    /// Reading feeds: lists for firewalls, resolvers, sensors.
    Feeds,
    /// Asking whether values are known.
    Check,
    /// Following what arrives.
    Stream,
    /// Reading the node's figures.
    Metrics,
    /// Publishing through TAXII.
    Publish,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Taxii, Self::Feeds, Self::Check, Self::Stream, Self::Metrics, Self::Publish];
    /// What a token may that is made without further words: to read what SOC tools read.
    pub const READING: [Self; 4] = [Self::Taxii, Self::Feeds, Self::Check, Self::Stream];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Taxii => "taxii",
            Self::Feeds => "feeds",
            Self::Check => "check",
            Self::Stream => "stream",
            Self::Metrics => "metrics",
            Self::Publish => "publish",
        }
    }

    /// Its bit in the store.
    fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}; it is one of taxii, feeds, check, stream, metrics, publish")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        let known = Self::ALL.into_iter().find(|scope| scope.word() == word);
        known.ok_or_else(|| UnknownScope(word.chars().take(40).collect()))
    }
}

/// What a new token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTerms {
    /// What it is called in logs and figures: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The strictest marking that it shows.
    pub ceiling: Tlp,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Where it may be used from; anywhere, if there is none.
    pub networks: Vec<IpNet>,
    /// From when on it no longer holds, milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// Whether its maker knows that feeds which it reads may be of an exercise.
    pub exercise: bool,
}

/// A token as the node keeps it: all but its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public half.
    pub id: TokenId,
    /// What it is.
    pub terms: TokenTerms,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Of its id and secret.
    digest: [u8; 32],
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("id", &self.id).field("name", &self.terms.name).finish_non_exhaustive()
    }
}

impl Token {
    /// Whether it may be used for this.
    pub fn may(&self, scope: Scope) -> bool {
        self.terms.scopes.contains(&scope)
    }
}

/// Why a token was not made or revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Its name has other characters than it may, or too many of them.
    #[error("a token's name has 1 to {NAME_LEN} letters, digits, `.`, `_` and `-`")]
    Name,
    /// Another token has this name.
    #[error("there is a token named {0} already: choose another name, or revoke that one first")]
    NameTaken(String),
    /// It could not be used for anything.
    #[error("a token without a scope opens nothing")]
    NoScope,
    /// It has more networks than are looked through with each request.
    #[error("{0} networks; a token has at most {TOKEN_NETWORKS}")]
    Networks(usize),
    /// It would never hold, or for too long.
    #[error("a token expires in the future, and within a year")]
    Expiry,
    /// There are too many.
    #[error("this node has {TOKENS} tokens, and takes no more until some are revoked")]
    TooMany,
    /// No token has this id or name.
    #[error("this node has no token {0}")]
    Unknown(String),
}

/// Why what a client presented opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is no token, or none of this node's; or its secret is wrong, or it was revoked.
    #[error("this node knows no such token")]
    Unknown,
    /// It held until a moment ago, or longer ago.
    #[error("the token has expired")]
    Expired,
    /// The client's address is in none of the token's networks.
    #[error("the token may not be used from this address")]
    Network,
}

/// The tokens of one node.
#[derive(Debug, Clone, Default)]
pub struct Tokens(BTreeMap<TokenId, Arc<Token>>);

impl Tokens {
    /// Those that a store holds.
    pub fn read(store: &dyn Store) -> Result<Self, StoreError> {
        stored::read(store).map(Self)
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<Token>> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by(|one, other| one.terms.name.cmp(&other.terms.name));
        all
    }

    /// Whether this token, as it was admitted, still holds.
    pub fn holds(&self, id: TokenId, now_ms: u64) -> bool {
        self.0.get(&id).is_some_and(|token| now_ms < token.terms.expires_ms)
    }

    /// The token that a client presented, if it holds for a client at this address.
    ///
    /// How long this takes tells nothing of the secret: hashes are compared in constant time, also where there
    /// is no such token.
    pub fn admit(&self, presented: &str, from: IpAddr, now_ms: u64) -> Result<Arc<Token>, Denied> {
        let presented = Presented::read(presented).ok_or(Denied::Unknown)?;
        let token = self.0.get(&presented.id);
        let digest = token.map_or([0; 32], |token| token.digest);
        let is_right = bool::from(digest.ct_eq(&presented.digest()));
        let token = token.filter(|_| is_right).ok_or(Denied::Unknown)?;
        let terms = &token.terms;
        if now_ms >= terms.expires_ms {
            return Err(Denied::Expired);
        }
        let from = from.to_canonical();
        if !terms.networks.is_empty() && !terms.networks.iter().any(|network| network.contains(&from)) {
            return Err(Denied::Network);
        }
        Ok(Arc::clone(token))
    }

    /// The token with this id or name.
    pub fn find(&self, id_or_name: &str) -> Result<Arc<Token>, TokenFault> {
        // A token that has leaked is at hand itself.
        let id =
            Presented::read(id_or_name).map(|presented| presented.id).or_else(|| id_or_name.parse().ok());
        let by_id = id.and_then(|id| self.0.get(&id));
        let unknown = || TokenFault::Unknown(id_or_name.chars().take(NAME_LEN).collect());
        by_id.or_else(|| self.named(id_or_name)).cloned().ok_or_else(unknown)
    }

    /// All but one of them.
    #[must_use]
    pub fn without(&self, id: TokenId) -> Self {
        let mut left = self.clone();
        left.0.remove(&id);
        left
    }

    fn named(&self, name: &str) -> Option<&Arc<Token>> {
        self.0.values().find(|token| token.terms.name == name)
    }

    fn check(&self, terms: &TokenTerms, now_ms: u64) -> Result<(), TokenFault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if terms.name.is_empty() || terms.name.len() > NAME_LEN || !terms.name.chars().all(plain) {
            return Err(TokenFault::Name);
        }
        if self.named(&terms.name).is_some() {
            return Err(TokenFault::NameTaken(terms.name.clone()));
        }
        if terms.scopes.is_empty() {
            return Err(TokenFault::NoScope);
        }
        if terms.networks.len() > TOKEN_NETWORKS {
            return Err(TokenFault::Networks(terms.networks.len()));
        }
        if terms.expires_ms <= now_ms || terms.expires_ms - now_ms > LONGEST_TOKEN_LIFE_MS {
            return Err(TokenFault::Expiry);
        }
        if self.0.len() >= TOKENS { Err(TokenFault::TooMany) } else { Ok(()) }
    }
}

impl Engine {
    /// The tokens of this node.
    pub fn tokens(&self) -> &Arc<Tokens> {
        &self.tokens
    }

    /// Makes a token from random bytes; gives it with its text, which nobody can give again. It counts once
    /// `steps` are committed.
    pub fn create_token(
        &mut self,
        terms: TokenTerms,
        random: &[u8; RANDOM_BYTES],
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(Arc<Token>, Zeroizing<String>), TokenFault> {
        self.tokens.check(&terms, now_ms)?;
        let presented = Presented::new(random);
        let (id, digest) = (presented.id, presented.digest());
        let token = Arc::new(Token { id, terms, created_ms: now_ms, digest });
        steps.put(Family::Control, stored::key(id), stored::encode(&token));
        Arc::make_mut(&mut self.tokens).0.insert(id, Arc::clone(&token));
        Ok((token, presented.text()))
    }

    /// Revokes the token with this id or name. It no longer holds once `steps` are committed.
    pub fn revoke_token(&mut self, id_or_name: &str, steps: &mut Steps) -> Result<Arc<Token>, TokenFault> {
        let token = self.tokens.find(id_or_name)?;
        steps.delete(Family::Control, stored::key(token.id));
        Arc::make_mut(&mut self.tokens).0.remove(&token.id);
        Ok(token)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
