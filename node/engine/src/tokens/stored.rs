//! Tokens in the store, family `control`: `t` and the id → version, hash, ceiling, scopes, exercise, times,
//! name and networks. The version lets a later node keep more.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use certmesh_intel::Tlp;
use ipnet::IpNet;

use super::{Scope, Token, TokenId, TokenTerms};
use crate::layout;
use crate::store::{Store, StoreError};

const PREFIX: &[u8] = b"t";
const VERSION: u8 = 1;

pub(super) fn key(id: TokenId) -> Vec<u8> {
    [PREFIX, &id.0[..]].concat()
}

pub(super) fn read(store: &dyn Store) -> Result<BTreeMap<TokenId, Arc<Token>>, StoreError> {
    layout::collect(store, PREFIX, |key, value| {
        let damaged = || StoreError { doing: "reading", cause: "a token does not have its shape".into() };
        let token = decode(key, value).ok_or_else(damaged)?;
        Ok((token.id, Arc::new(token)))
    })
}

pub(super) fn encode(token: &Token) -> Vec<u8> {
    let terms = &token.terms;
    let scopes = terms.scopes.iter().fold(0, |bits, scope| bits | scope.bit());
    let mut value = [
        &[VERSION][..],
        &token.digest,
        &[terms.ceiling as u8, u8::from(terms.exercise)],
        &scopes.to_be_bytes(),
        &token.created_ms.to_be_bytes(),
        &terms.expires_ms.to_be_bytes(),
        &[terms.name.len() as u8],
        terms.name.as_bytes(),
    ]
    .concat();
    for network in &terms.networks {
        match network.addr() {
            IpAddr::V4(address) => value.extend([&[4][..], &address.octets()].concat()),
            IpAddr::V6(address) => value.extend([&[6][..], &address.octets()].concat()),
        }
        value.push(network.prefix_len());
    }
    value
}

fn decode(key: &[u8], value: &[u8]) -> Option<Token> {
    let id = TokenId(key.strip_prefix(PREFIX)?.try_into().ok()?);
    let mut fields = Fields(value);
    if fields.take::<1>()? != [VERSION] {
        return None;
    }
    let digest = fields.take()?;
    let [ceiling, exercise] = fields.take()?;
    let bits = u16::from_be_bytes(fields.take()?);
    let created_ms = u64::from_be_bytes(fields.take()?);
    let expires_ms = u64::from_be_bytes(fields.take()?);
    let [name_len] = fields.take()?;
    let (name, rest) = fields.0.split_at_checked(name_len.into())?;
    fields.0 = rest;
    let terms = TokenTerms {
        name: String::from_utf8(name.to_vec()).ok()?,
        ceiling: Tlp::try_from(ceiling).ok()?,
        scopes: Scope::ALL.into_iter().filter(|scope| bits & scope.bit() != 0).collect(),
        networks: fields.networks()?,
        expires_ms,
        exercise: exercise == 1,
    };
    Some(Token { id, terms, created_ms, digest })
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    /// All that is left: for each network 4 or 6, its address, its length.
    fn networks(mut self) -> Option<Vec<IpNet>> {
        let mut networks = Vec::new();
        while !self.0.is_empty() {
            let address: IpAddr = match self.take()? {
                [4] => self.take::<4>()?.into(),
                [6] => self.take::<16>()?.into(),
                _ => return None,
            };
            let [length] = self.take()?;
            networks.push(IpNet::new(address, length).ok()?);
        }
        Some(networks)
    }
}
