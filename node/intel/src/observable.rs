//! Observables: the (kind, value) pairs that an object speaks of, and the index keys by which they are found.
//!
//! A key says nothing of the kind beyond its class, so that a lookup by value finds every kind: an analyst types a name, a
//! hash or a URL without saying which it is. [`Observable::new`] and [`crate::Question`] normalise with the same forms, so
//! that they always meet.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::normal::{self, Form, Network};
use crate::object::Object;
use crate::pattern::{Path, Step, terms};
use crate::{json, key};

/// The most observables of one object; real indicators reach 2,000.
pub const MAX_OBSERVABLES: usize = 4_096;
/// The longest kind in bytes; a path that would be longer is of the kind `other`.
const MAX_KIND: usize = 128;

/// One thing that can be seen on a network or a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observable {
    /// The value in its normal form; never empty.
    pub value: String,
    /// What it is: `domain-name`, `ipv4-addr`, `ipv6-addr`, `url`, `email-addr`, `mac-addr`, `autonomous-system`,
    /// `mutex`, `windows-registry-key`, `user-account`, `file-name`, `file-path`, `process-name`, `file-md5`,
    /// `file-sha256` and so on for every algorithm, `certificate-sha1` likewise, or else the path of a pattern as it
    /// stands, such as `app:id`.
    pub kind: Cow<'static, str>,
}

/// The kinds of well-known properties, and how their values are normalised.
const KINDS: [(&str, &str, &str, Form); 19] = [
    ("domain-name", "value", "domain-name", Form::Host),
    ("ipv4-addr", "value", "ipv4-addr", Form::Host),
    ("ipv6-addr", "value", "ipv6-addr", Form::Host),
    ("url", "value", "url", Form::Url),
    ("email-addr", "value", "email-addr", Form::Mail),
    ("mac-addr", "value", "mac-addr", Form::Mac),
    ("file", "name", "file-name", Form::Plain),
    ("file", "path", "file-path", Form::Plain),
    ("directory", "path", "file-path", Form::Plain),
    ("mutex", "name", "mutex", Form::Plain),
    ("windows-registry-key", "key", "windows-registry-key", Form::Plain),
    ("process", "name", "process-name", Form::Plain),
    ("process", "command_line", "process-command-line", Form::Plain),
    ("user-account", "user_id", "user-account", Form::Plain),
    ("user-account", "account_login", "user-account", Form::Plain),
    ("software", "name", "software-name", Form::Plain),
    ("artifact", "url", "url", Form::Url),
    ("x509-certificate", "serial_number", "certificate-serial", Form::Hash),
    ("autonomous-system", "number", "autonomous-system", Form::AsNumber),
];

impl Observable {
    /// The observable that a pattern's `path = value`, or an object's own property, speaks of; nothing if it names no
    /// thing, as an empty value or the type of a referenced object (`dst_ref.type`).
    #[must_use]
    pub fn new(path: &Path<'_>, value: &str) -> Option<Self> {
        let (kind, form) = kind(path, value)?;
        let value = form.apply(value);
        let kind = match (form, Network::parse(&value)) {
            (Form::Host, Some(network)) if network.is_ipv4() => Cow::Borrowed("ipv4-addr"),
            (Form::Host, Some(_)) => Cow::Borrowed("ipv6-addr"),
            _ => kind,
        };
        (!value.is_empty()).then_some(Self { value, kind })
    }

    /// The key of this observable in an index: a class, then ordered bytes that delimit themselves. [`crate::Question`]
    /// makes the same keys of typed values.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let network = || Network::parse(&self.value).map(key::of_network);
        let name = || normal::is_name(&self.value).then(|| key::of_name(&self.value));
        let placed = match self.kind.as_ref() {
            "ipv4-addr" | "ipv6-addr" => network(),
            "domain-name" => name(),
            _ => None,
        };
        placed.unwrap_or_else(|| key::of_value(&self.value))
    }
}

/// An observable of an object, and whether it stands there for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mention {
    /// What is spoken of.
    pub observable: Observable,
    /// Whether it is one condition among several, so that seeing it alone is not what the object means.
    pub partial: bool,
}

/// What was found: each observable once, and whether only as a part.
type Found = BTreeMap<Observable, bool>;

/// The observables of an indicator's STIX pattern, or of an observable object itself: sorted, each once (whole rather
/// than partial), at most [`MAX_OBSERVABLES`].
#[must_use]
pub fn of(object: &Object<'_>) -> Vec<Mention> {
    let mut found = Found::new();
    match object.object_type() {
        "indicator" => add_pattern(object, &mut found),
        object_type => add_own(object, object_type, &mut found),
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

fn add_own(object: &Object<'_>, object_type: &str, found: &mut Found) {
    let mut known = |property: &str| {
        let value = object.value(property)?;
        let path = Path { object_type, steps: vec![Step::Name(property.into())] };
        add(found, &path, &scalar(value)?, false);
        Some(())
    };
    for (_, property, ..) in KINDS.iter().filter(|(known_type, ..)| *known_type == object_type) {
        known(property);
    }
    if matches!(object_type, "file" | "artifact" | "x509-certificate") {
        add_hashes(object, object_type, found);
    }
}

fn add_hashes(object: &Object<'_>, object_type: &str, found: &mut Found) {
    let _ = json::for_each_property(object.value("hashes").unwrap_or_default(), |algorithm, value| {
        let path = Path { object_type, steps: vec![Step::Name("hashes".into()), Step::Name(algorithm)] };
        if let Some(hash) = json::string(value) {
            add(found, &path, &hash, false);
        }
        Ok(())
    });
}

/// A string, or a number as it is written.
fn scalar(value: &str) -> Option<Cow<'_, str>> {
    let number = || value.starts_with(|c: char| c.is_ascii_digit()).then_some(Cow::Borrowed(value));
    json::string(value).or_else(number)
}

/// What kind of thing the path leads to, and how its values are normalised.
fn kind(path: &Path<'_>, value: &str) -> Option<(Cow<'static, str>, Form)> {
    let mut names = path.steps.iter().rev().filter_map(|step| match step {
        Step::Name(name) => Some(name.as_ref()),
        Step::Item(_) => None,
    });
    let last = names.next()?;
    match names.next() {
        None => Some(direct_kind(path, last, value)),
        Some("hashes") => Some((hash_kind(path.object_type, last), Form::Hash)),
        Some(name) if is_reference(name) && last == "type" => None,
        Some(name) if is_reference(name) && last == "value" => Some(guessed_kind(value)),
        Some(_) => Some(other_kind(path, value)),
    }
}

fn is_reference(name: &str) -> bool {
    name.ends_with("_ref") || name.ends_with("_refs")
}

fn direct_kind(path: &Path<'_>, property: &str, value: &str) -> (Cow<'static, str>, Form) {
    let known =
        KINDS.iter().find(|(object_type, name, ..)| *object_type == path.object_type && *name == property);
    known.map_or_else(|| other_kind(path, value), |(_, _, kind, form)| (Cow::Borrowed(*kind), *form))
}

/// `file-sha256` for `SHA-256`, `sha256`, `SHA256`; certificates' own.
fn hash_kind(object_type: &str, algorithm: &str) -> Cow<'static, str> {
    let letters = algorithm.chars().filter(char::is_ascii_alphanumeric);
    let algorithm: String = letters.take(MAX_KIND / 2).map(|c| c.to_ascii_lowercase()).collect();
    let of = if object_type == "x509-certificate" { "certificate" } else { "file" };
    Cow::Owned(format!("{of}-{algorithm}"))
}

/// The kind of a value that a reference leads to, whose type the path doesn't say.
fn guessed_kind(value: &str) -> (Cow<'static, str>, Form) {
    let text = normal::refanged(value.trim());
    let (kind, form) = match text {
        text if text.contains("://") => ("url", Form::Url),
        text if text.contains('@') => ("email-addr", Form::Mail),
        text if normal::is_mac(&text) => ("mac-addr", Form::Mac),
        _ => ("domain-name", Form::Host),
    };
    (Cow::Borrowed(kind), form)
}

/// The path itself; what looks like a digest is normalised as one.
fn other_kind(path: &Path<'_>, value: &str) -> (Cow<'static, str>, Form) {
    let form = if normal::is_digest(value.trim()) { Form::Hash } else { Form::Plain };
    let kind = path.to_string();
    let kind = if kind.len() <= MAX_KIND { Cow::Owned(kind) } else { Cow::Borrowed("other") };
    (kind, form)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
