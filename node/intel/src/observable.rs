//! Observables: the (kind, value) pairs that an object speaks of, and the index keys by which they are found.
//!
//! A key says nothing of the kind beyond its class, so that a lookup by value finds every kind: an analyst types a name, a
//! hash or a URL without saying which it is. [`Observable::new`] and [`crate::Question`] normalise with the same forms, so
//! that they always meet.

mod kinds;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::normal::{Normal, Typed, number};
use crate::object::{Object, Properties};
use crate::pattern::{Path, Step, terms};
use crate::{json, key};
use kinds::KNOWN;
pub use kinds::{is_kind, known_kinds};

/// The most observables of one object; real indicators reach 2,000.
pub const MAX_OBSERVABLES: usize = 4_096;

/// One thing that can be seen on a network or a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observable {
    /// The value in its normal form; never empty.
    pub value: String,
    /// What it is: `domain-name`, `ipv4-addr`, `ipv6-addr`, `url`, `email-addr`, `mac-addr`, `autonomous-system`,
    /// `mutex`, `windows-registry-key`, `user-account`, `user-agent`, `file-name`, `file-path`, `process-name`,
    /// `vulnerability`, `cryptocurrency-wallet`, `file-md5`, `file-sha256` and so on for every algorithm,
    /// `certificate-sha1` likewise, or else the path of a pattern as it stands, such as `app:id`.
    pub kind: Cow<'static, str>,
}

impl Observable {
    /// The observable that a pattern's `path = value`, or an object's own property, speaks of; nothing if it names no
    /// thing, as an empty value or the type of a referenced object (`dst_ref.type`).
    #[must_use]
    pub fn new(path: &Path<'_>, value: &str) -> Option<Self> {
        let (kind, form) = kinds::of(path, value)?;
        let typed = Typed::new(value);
        let normal = form.read(&typed).unwrap_or_else(|| Normal { value: typed.raw.to_owned(), kind: None });
        let kind = normal.kind.map_or(kind, Cow::Borrowed);
        (!normal.value.is_empty()).then_some(Self { value: normal.value, kind })
    }

    /// The key of this observable in an index: a class, then ordered bytes that delimit themselves. [`crate::Question`]
    /// makes the same keys of typed values.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        key::of(&self.kind, &self.value)
    }
}

/// An observable of an object, and whether it stands there for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mention {
    /// What is spoken of.
    pub observable: Observable,
    /// Whether seeing it alone is nothing to act on: it is one condition among several, or the object warns of nothing but
    /// says that it exists, as an observable object does.
    pub partial: bool,
}

/// What was found: each observable once, and whether only as a part.
type Found = BTreeMap<Observable, bool>;

/// Whether an object that mentions observables is one itself: it says that something exists, and nothing of it. It has no
/// end either, so that whoever took it for a warning would go on warning when the indicator beside it has ended.
#[must_use]
pub fn is_bare(object: &Object<'_>) -> bool {
    !matches!(object.object_type(), "indicator" | "vulnerability" | "observed-data")
}

/// The observables of an indicator's STIX pattern, of an observable object itself, or of those that observed data holds;
/// the CVE of a vulnerability. Sorted, each once (whole rather than partial), at most [`MAX_OBSERVABLES`].
#[must_use]
pub fn of(object: &Object<'_>) -> Vec<Mention> {
    let mut found = Found::new();
    match object.object_type() {
        "indicator" => add_pattern(object, &mut found),
        "vulnerability" => add_cves(object, &mut found),
        "observed-data" => add_held(object, &mut found),
        object_type => add_own(object.properties(), object_type, &mut found),
    }
    found.into_iter().map(|(observable, partial)| Mention { observable, partial }).collect()
}

fn add(found: &mut Found, path: &Path<'_>, value: &str, partial: bool) {
    if found.len() < MAX_OBSERVABLES
        && let Some(observable) = Observable::new(path, value)
    {
        found.entry(observable).and_modify(|known| *known &= partial).or_insert(partial);
    }
}

fn add_pattern(indicator: &Object<'_>, found: &mut Found) {
    let is_stix = indicator.text("pattern_type").is_none_or(|pattern_type| pattern_type == "stix");
    let pattern = indicator.text("pattern").filter(|_| is_stix);
    for term in terms(&pattern.unwrap_or_default()) {
        term.values.iter().for_each(|value| add(found, &term.path, value, term.partial));
    }
}

/// The CVE ids that a vulnerability has for a name or an external reference; other names are no observables.
fn add_cves(vulnerability: &Object<'_>, found: &mut Found) {
    let mut add_cve = |text: &str| {
        if number::cve(text.trim()).is_some() {
            add(found, &path("vulnerability", &["name"]), text, false);
        }
    };
    vulnerability.text("name").iter().for_each(|name| add_cve(name));
    vulnerability.each_external_reference(|_, id| add_cve(id));
}

/// The observable objects that stand inside observed data (deprecated by STIX 2.1, section 4.14, and met all the same).
fn add_held(observed: &Object<'_>, found: &mut Found) {
    let _ = json::for_each_property(observed.value("objects").unwrap_or_default(), |_, held| {
        if let Ok(properties) = Properties::read(held)
            && let Some(object_type) = properties.text("type")
        {
            add_own(&properties, &object_type, found);
        }
        Ok(())
    });
}

fn add_own(properties: &Properties<'_>, object_type: &str, found: &mut Found) {
    for known in KNOWN.iter().filter(|known| known.object_type == object_type) {
        if let Some(value) = properties.get(known.property).and_then(scalar) {
            add(found, &path(object_type, &[known.property]), &value, true);
        }
    }
    let extension = |name: &str| json::property(properties.get("extensions")?, name);
    match object_type {
        "file" | "artifact" | "x509-certificate" => {
            add_hashes(object_type, properties.get("hashes"), found);
            let imphash = extension("windows-pebinary-ext").and_then(|ext| json::property(ext, "imphash"));
            if let Some(imphash) = imphash.and_then(json::string) {
                add(found, &path("file", &["windows-pebinary-ext", "imphash"]), &imphash, true);
            }
        }
        "network-traffic" => {
            let headers = extension("http-request-ext").and_then(|ext| json::property(ext, "request_header"));
            add_headers(headers, found);
        }
        _ => {}
    }
}

/// The headers of a request that name something by themselves.
fn add_headers(headers: Option<&str>, found: &mut Found) {
    let _ = json::for_each_property(headers.unwrap_or_default(), |name, value| {
        let names_something = ["user-agent", "host"].iter().any(|header| name.eq_ignore_ascii_case(header));
        if names_something {
            let path = path("network-traffic", &["request_header", &name]);
            each_text(value, |text| add(found, &path, text, true));
        }
        Ok(())
    });
}

fn add_hashes(object_type: &str, hashes: Option<&str>, found: &mut Found) {
    let _ = json::for_each_property(hashes.unwrap_or_default(), |algorithm, value| {
        each_text(value, |hash| add(found, &path(object_type, &["hashes", &algorithm]), hash, true));
        Ok(())
    });
}

fn path<'a>(object_type: &'a str, names: &[&'a str]) -> Path<'a> {
    Path { object_type, steps: names.iter().map(|name| Step::Name(Cow::Borrowed(*name))).collect() }
}

/// The string that `value` is, or the strings of the list that it is.
fn each_text(value: &str, mut each: impl FnMut(&str)) {
    match json::string(value) {
        Some(text) => each(&text),
        None => json::strings(value, |text| each(&text)),
    }
}

/// A string, or a number as it is written.
fn scalar(value: &str) -> Option<Cow<'_, str>> {
    let number = || value.starts_with(|c: char| c.is_ascii_digit()).then_some(Cow::Borrowed(value));
    json::string(value).or_else(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
