//! Tokens as their keepers and their bearers meet them.

use super::*;
use crate::store::MemoryStore;

const NOW: u64 = 1_800_000_000_000;

fn terms(name: &str) -> TokenTerms {
    TokenTerms {
        name: name.into(),
        ceiling: Tlp::Green,
        scopes: Scope::READING.into(),
        networks: Vec::new(),
        expires_ms: NOW + TOKEN_LIFE_MS,
        exercise: false,
    }
}

fn token(terms: TokenTerms) -> (Tokens, Zeroizing<String>) {
    let presented = Presented::new(&[0xa5; RANDOM_BYTES]);
    let (id, digest) = (presented.id, presented.digest());
    let token = Arc::new(Token { id, terms, created_ms: NOW, digest });
    (Tokens(BTreeMap::from([(id, token)])), presented.text())
}

fn admitted(tokens: &Tokens, text: &str, from: &str, now_ms: u64) -> Result<String, Denied> {
    tokens.admit(text, from.parse().unwrap(), now_ms).map(|token| token.terms.name.clone())
}

#[test]
fn opens_with_its_secret_alone() {
    let (tokens, text) = token(terms("splunk"));
    assert_eq!(text.len(), "certmesh_".len() + 12 + 1 + 64);
    assert_eq!(admitted(&tokens, &text, "192.0.2.1", NOW), Ok("splunk".into()));
    let id = tokens.all()[0].id;
    for wrong in [
        String::new(),
        id.to_string(),
        format!("certmesh_{id}"),
        format!("certmesh_{id}_"),
        format!("certmesh_{id}_{}", "0".repeat(64)),
        format!("certmesh_{}_{}", "0".repeat(12), &text[22..]),
        text.replacen("certmesh_", "", 1),
        format!("{}x", &text[..text.len() - 1]),
        format!("{}0", &text[..text.len() - 1]),
        format!("{} ", *text),
    ] {
        assert_eq!(admitted(&tokens, &wrong, "192.0.2.1", NOW), Err(Denied::Unknown), "{wrong}");
    }
}

#[test]
fn expires_to_the_millisecond() {
    let (tokens, text) = token(terms("a"));
    let end = NOW + TOKEN_LIFE_MS;
    assert!(admitted(&tokens, &text, "::1", end - 1).is_ok());
    assert_eq!(admitted(&tokens, &text, "::1", end), Err(Denied::Expired));
    let id = tokens.all()[0].id;
    assert!(tokens.holds(id, end - 1) && !tokens.holds(id, end) && !Tokens::default().holds(id, NOW));
}

#[test]
fn is_used_from_its_networks() {
    let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| text.parse().unwrap()).to_vec();
    let (tokens, text) = token(TokenTerms { networks, ..terms("a") });
    for (from, is_in) in [
        ("192.0.2.9", true),
        ("::ffff:192.0.2.9", true),
        ("192.0.3.9", false),
        ("2001:db8:1::1", true),
        ("2001:db9::1", false),
        ("127.0.0.1", false),
    ] {
        let expected = if is_in { Ok("a".into()) } else { Err(Denied::Network) };
        assert_eq!(admitted(&tokens, &text, from, NOW), expected, "{from}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let (tokens, text) = token(terms("a"));
    let shown = format!("{:?} {:?}", tokens, tokens.all());
    assert!(!shown.contains(&text[22..]), "{shown}");
    let stored = stored::encode(&tokens.all()[0]);
    assert!(!stored.windows(32).any(|window| window == [0xa5; 32]));
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let (tokens, _) = token(terms("taken"));
    let name = |name: &str| tokens.check(&terms(name), NOW);
    assert_eq!(name("splunk-1.a_B"), Ok(()));
    assert_eq!(name("taken"), Err(TokenFault::NameTaken("taken".into())));
    for wrong in ["", "a b", "a\u{1b}[1m", "é", &"a".repeat(65)] {
        assert_eq!(name(wrong), Err(TokenFault::Name), "{wrong:?}");
    }
    let expires = |expires_ms| tokens.check(&TokenTerms { expires_ms, ..terms("b") }, NOW);
    assert_eq!(expires(NOW), Err(TokenFault::Expiry));
    assert_eq!(expires(NOW + LONGEST_TOKEN_LIFE_MS), Ok(()));
    assert_eq!(expires(NOW + LONGEST_TOKEN_LIFE_MS + 1), Err(TokenFault::Expiry));
    let none = TokenTerms { scopes: BTreeSet::new(), ..terms("b") };
    assert_eq!(tokens.check(&none, NOW), Err(TokenFault::NoScope));
    let networks = vec!["192.0.2.0/24".parse().unwrap(); TOKEN_NETWORKS + 1];
    let many = TokenTerms { networks, ..terms("b") };
    assert_eq!(tokens.check(&many, NOW), Err(TokenFault::Networks(TOKEN_NETWORKS + 1)));
}

#[test]
fn the_store_keeps_all_but_the_secret() {
    let networks = ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"].map(|text| text.parse().unwrap());
    for terms in [
        terms("a"),
        TokenTerms {
            ceiling: Tlp::Red,
            scopes: Scope::ALL.into(),
            networks: networks.to_vec(),
            exercise: true,
            ..terms("b")
        },
    ] {
        let (tokens, text) = token(terms);
        let one = tokens.all().remove(0);
        let store = MemoryStore::default();
        let write = crate::store::Write::put(Family::Control, stored::key(one.id), stored::encode(&one));
        store.commit(&crate::store::Batch { writes: vec![write] }).unwrap();
        let read = Tokens::read(&store).unwrap();
        assert_eq!(read.all(), [Arc::clone(&one)]);
        assert_eq!(admitted(&read, &text, "192.0.2.1", NOW), Ok(one.terms.name.clone()));
        let torn = crate::store::Write::put(Family::Control, stored::key(one.id), &stored::encode(&one)[1..]);
        store.commit(&crate::store::Batch { writes: vec![torn] }).unwrap();
        assert!(Tokens::read(&store).is_err(), "damage is named, not read as nothing");
    }
}
