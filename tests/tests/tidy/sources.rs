//! What Rust files hold: each opens with why it exists, CBOR lives in one file, and the crates that
//! decide know neither clock nor chance nor the outside.

use crate::none;
use crate::tree::{Source, rust_sources};

/// A rule on what the code of some crates may not name.
struct Ban {
    /// Where it holds: path prefixes.
    crates: &'static [&'static str],
    /// What may not be there.
    words: &'static [&'static str],
    /// What to do instead.
    hint: &'static str,
}

const BANS: [Ban; 3] = [
    Ban {
        crates: &["node/wire/src/", "node/intel/src/", "node/engine/src/"],
        words: &[
            "tokio",
            "async fn",
            "std::fs",
            "TcpStream",
            "UdpSocket",
            "std::env",
            "SystemTime",
            "Instant::now",
            "::now(",
        ],
        hint: "it is pure: time and data are arguments",
    },
    Ban {
        crates: &["node/engine/src/"],
        words: &["getrandom", "thread_rng", "rand::", "generate()", "libp2p", "rocksdb"],
        hint: "it is sans-IO: randomness, network and storage are arguments",
    },
    Ban {
        crates: &["node/engine/src/"],
        words: &["HashMap", "HashSet"],
        hint: "its order must replay from a seed: use BTreeMap or BTreeSet",
    },
];

fn without_head(sources: &[Source]) -> Vec<String> {
    let bare = sources.iter().filter(|source| !source.text.starts_with("//!"));
    bare.map(|source| format!("{}: open it with //! and why it exists", source.path)).collect()
}

fn banned_words(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for ban in BANS.iter().filter(|ban| ban.crates.iter().any(|at| source.path.starts_with(at))) {
            for (at, line) in source.code() {
                let words = ban.words.iter().filter(|word| line.contains(**word));
                faults.extend(words.map(|word| format!("{}:{at}: {word}: {}", source.path, ban.hint)));
            }
        }
    }
    faults
}

/// The crate that one file wraps, and the folder of the rules that say so.
const CODEC: &str = "serde_cbor";
const RULES: &str = "tests/tests/tidy/";

/// The files whose code names `serde_cbor`, beyond the one that may.
fn second_codecs(sources: &[Source]) -> Vec<String> {
    let names = |source: &&Source| {
        !source.path.starts_with(RULES) && source.code().any(|(_, line)| line.contains(CODEC))
    };
    let files: Vec<_> = sources.iter().filter(names).map(|source| source.path.as_str()).collect();
    match files[..] {
        [] => vec!["no file holds the CBOR codec: this rule looks in the wrong place".to_owned()],
        [one] if one.starts_with("node/wire/src/") => Vec::new(),
        _ => vec![format!("{files:?} name CBOR's crate: only one file of wire may; go through its codec")],
    }
}

#[test]
fn every_file_says_why_it_exists() {
    none(without_head(&rust_sources()));
}

#[test]
fn the_rules_are_pure() {
    let sources = rust_sources();
    assert!(sources.iter().any(|source| source.path == "node/engine/src/lib.rs"), "no engine here");
    none(banned_words(&sources));
}

#[test]
fn cbor_lives_in_one_file() {
    none(second_codecs(&rust_sources()));
}

#[test]
fn a_missing_head_is_found() {
    assert_eq!(without_head(&[Source::new("a.rs", "// Why.\nuse x;")]).len(), 1);
    assert_eq!(without_head(&[Source::new("a.rs", "//! Why.")]).len(), 0);
}

#[test]
fn impurity_is_found() {
    let found = |path, text| banned_words(&[Source::new(path, text)]).len();
    assert_eq!(found("node/engine/src/a.rs", "use std::collections::HashMap;"), 1);
    assert_eq!(found("node/wire/src/a.rs", "let t = SystemTime::now();"), 2);
    assert_eq!(found("node/engine/src/a.rs", "// no tokio, no HashMap"), 0);
    assert_eq!(found("node/store/src/a.rs", "use std::fs;"), 0);
}

#[test]
fn a_second_codec_is_found() {
    let codec = |path| Source::new(path, "serde_cbor::to_vec(x)");
    assert!(second_codecs(&[codec("node/wire/src/codec.rs")]).is_empty());
    assert_eq!(second_codecs(&[codec("node/wire/src/codec.rs"), codec("node/wire/src/b.rs")]).len(), 1);
    assert_eq!(second_codecs(&[codec("node/store/src/b.rs")]).len(), 1);
    assert_eq!(second_codecs(&[]).len(), 1);
}
