//! The vector files: written on request, otherwise compared with what the code makes.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// Set to rewrite the files instead of comparing them.
const WRITE: &str = "CERTMESH_WRITE_VECTORS";

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What a file holds; nothing if there is none.
pub(crate) fn read(name: &str) -> Option<Value> {
    let text = fs::read_to_string(folder().join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Holds a file against what the code makes of the same seeds.
#[track_caller]
pub(crate) fn hold(name: &str, made: &Value) {
    if std::env::var_os(WRITE).is_some() {
        return write(name, &(serde_json::to_string_pretty(made).unwrap() + "\n"));
    }
    let kept = read(name).unwrap_or_else(|| panic!("{name} is missing; {WRITE}=1 writes it"));
    if let Some(place) = difference(name, &kept, made) {
        panic!("{place}\nThe formats are a promise: if one changed on purpose, {WRITE}=1 rewrites the files");
    }
}

/// Replaces a file at once: another test may be reading it.
fn write(name: &str, text: &str) {
    let unfinished = folder().join(format!(".{name}"));
    fs::write(&unfinished, text).unwrap();
    fs::rename(unfinished, folder().join(name)).unwrap();
}

/// Where two values part, in words.
fn difference(place: &str, kept: &Value, made: &Value) -> Option<String> {
    match (kept, made) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => a.iter().find_map(|(name, value)| {
            difference(&format!("{place}.{name}"), value, b.get(name).unwrap_or(&Value::Null))
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| difference(&format!("{place}[{at}]"), a, b))
        }
        _ if kept == made => None,
        _ => Some(format!("{place}: the file has {}, and the code makes {}", short(kept), short(made))),
    }
}

/// The beginning of a value, for people.
fn short(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("{} items", items.len()),
        Value::Object(entries) => format!("{} entries", entries.len()),
        value => value.to_string().chars().take(200).collect(),
    }
}
