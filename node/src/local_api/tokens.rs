//! Tokens for SOC tools: made, listed and revoked by the operators.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use certmesh_api::{TokenCreated, TokenEntry, TokenRequest, TokenRevoked, Tokens};
use certmesh_engine::tokens::{Scope, TOKEN_LIFE_MS, Token, TokenFault, TokenTerms};
use certmesh_intel::Tlp;
use ipnet::IpNet;
use tokio::sync::oneshot;

use super::State;
use super::answers::{Asked, Failure};
use crate::clock::now_ms;
use crate::driver::Input;

pub(super) async fn create(
    AxumState(state): AxumState<State>,
    Asked(request): Asked<TokenRequest>,
) -> Result<Json<TokenCreated>, Failure> {
    let terms = terms(request)?;
    let is_exercise = state.membership.now().roster().exercise;
    if is_exercise && terms.scopes.contains(&Scope::Feeds) && !terms.exercise && terms.scopes.len() == 1 {
        return Err(Failure::refused(
            "this mesh is an exercise: its feeds would have firewalls act on what is not real",
            Some("add --exercise if the tool that reads them takes part in the exercise"),
        ));
    }
    let (reply, answer) = oneshot::channel();
    state.driver.send(Input::CreateToken { terms, reply }).await.map_err(|_| Failure::stopping())?;
    let created = answer.await.map_err(|_| Failure::stopping())?;
    let (token, text) = created.map_err(|fault| Failure::refused(fault, None))?;
    Ok(Json(TokenCreated { token: text.to_string(), entry: entry(&token) }))
}

pub(super) async fn list(AxumState(state): AxumState<State>) -> Json<Tokens> {
    let tokens = state.tokens.borrow().all();
    Json(Tokens { tokens: tokens.iter().map(|token| entry(token)).collect() })
}

pub(super) async fn revoke(
    AxumState(state): AxumState<State>,
    Path(id_or_name): Path<String>,
) -> Result<Json<TokenRevoked>, Failure> {
    let (reply, answer) = oneshot::channel();
    state.driver.send(Input::RevokeToken { id_or_name, reply }).await.map_err(|_| Failure::stopping())?;
    let revoked = answer.await.map_err(|_| Failure::stopping())?;
    let revoked = revoked.map_err(|fault| {
        let hint = matches!(fault, TokenFault::Unknown(_)).then_some("`certmesh token list` shows them");
        Failure::refused(fault, hint)
    })?;
    Ok(Json(TokenRevoked { entry: entry(&revoked.token), kept: revoked.is_kept }))
}

fn terms(request: TokenRequest) -> Result<TokenTerms, Failure> {
    let wrong = |fault: &dyn Display| Failure::refused(fault, None);
    let scopes: Result<BTreeSet<Scope>, _> = request.scopes.iter().map(|word| word.parse()).collect();
    let scopes = scopes.map_err(|fault| wrong(&fault))?;
    let networks: Result<Vec<_>, _> = request.networks.iter().map(|text| network(text)).collect();
    Ok(TokenTerms {
        name: request.name,
        ceiling: match request.tlp {
            Some(word) => word.parse().map_err(|fault| wrong(&fault))?,
            None => Tlp::Green,
        },
        scopes: if scopes.is_empty() { Scope::READING.into() } else { scopes },
        networks: networks?,
        expires_ms: request.expires_ms.unwrap_or_else(|| now_ms() + TOKEN_LIFE_MS),
        exercise: request.exercise,
    })
}

/// A network, or one address. An IPv4 address in IPv6's clothes is one of IPv4.
fn network(text: &str) -> Result<IpNet, Failure> {
    let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    let network = address.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
        let shown: String = text.chars().take(60).collect();
        Failure::refused(format!("{shown:?} is no address or network, such as 192.0.2.0/24"), None)
    })?;
    Ok(network.trunc())
}

fn entry(token: &Token) -> TokenEntry {
    let terms = &token.terms;
    TokenEntry {
        id: token.id.to_string(),
        name: terms.name.clone(),
        tlp: terms.ceiling.word().to_owned(),
        scopes: terms.scopes.iter().map(Scope::to_string).collect(),
        networks: terms.networks.iter().map(IpNet::to_string).collect(),
        created_ms: token.created_ms,
        expires_ms: terms.expires_ms,
        exercise: terms.exercise,
    }
}
