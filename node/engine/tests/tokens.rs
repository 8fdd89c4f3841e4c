//! Tokens through the engine: made, kept over a restart, revoked.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::sync::Arc;

use certmesh_engine::tokens::{Denied, RANDOM_BYTES, Scope, TOKEN_LIFE_MS, TokenFault, TokenTerms};
use certmesh_engine::{Steps, commit};
use certmesh_intel::Tlp;
use mesh::{Peer, SG, membership};

fn terms(name: &str, peer: &Peer) -> TokenTerms {
    TokenTerms {
        name: name.into(),
        ceiling: Tlp::Green,
        scopes: Scope::READING.into(),
        networks: Vec::new(),
        expires_ms: peer.now_ms + TOKEN_LIFE_MS,
        exercise: false,
    }
}

fn create(peer: &mut Peer, name: &str, random: u8) -> Result<String, TokenFault> {
    let mut steps = Steps::default();
    let terms = terms(name, peer);
    let created = peer.engine.create_token(terms, &[random; RANDOM_BYTES], peer.now_ms, &mut steps);
    commit(peer.store(), steps).unwrap();
    created.map(|(_, text)| text.to_string())
}

fn admits(peer: &Peer, text: &str) -> Result<(), Denied> {
    peer.engine.tokens().admit(text, "192.0.2.1".parse().unwrap(), peer.now_ms).map(|_| ())
}

#[test]
fn a_token_outlives_a_restart_and_ends_when_it_is_revoked() {
    let mut peer = Peer::new(SG);
    let (one, other) = (create(&mut peer, "one", 1).unwrap(), create(&mut peer, "other", 2).unwrap());
    assert_eq!(create(&mut peer, "one", 3), Err(TokenFault::NameTaken("one".into())));
    let mut peer = Peer::with(membership(), SG, Arc::clone(&peer.store));
    assert_eq!((admits(&peer, &one), admits(&peer, &other)), (Ok(()), Ok(())));

    for (named, left) in [("other", 1), ("010101010101", 0)] {
        let mut steps = Steps::default();
        peer.engine.revoke_token(named, &mut steps).unwrap();
        commit(peer.store(), steps).unwrap();
        assert_eq!(peer.engine.tokens().all().len(), left);
    }
    let unknown = peer.engine.revoke_token("other", &mut Steps::default());
    assert_eq!(unknown.unwrap_err(), TokenFault::Unknown("other".into()));
    let peer = Peer::with(membership(), SG, Arc::clone(&peer.store));
    assert_eq!((admits(&peer, &one), admits(&peer, &other)), (Err(Denied::Unknown), Err(Denied::Unknown)));
}
