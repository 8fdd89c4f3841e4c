//! What kind of thing a path leads to, and how its values are normalised.

use std::borrow::Cow;

use crate::display::safe;
use crate::normal::{Form, hash};
use crate::pattern::{Path, Step};

/// The longest kind in bytes; a path that would be longer, or that is not safe to show, is of the kind `other`.
const MAX_KIND: usize = 128;

/// A well-known property, the kind of its values, and how they are normalised.
pub(super) struct Known {
    pub(super) object_type: &'static str,
    pub(super) property: &'static str,
    kind: &'static str,
    form: Form,
}

const fn known(object_type: &'static str, property: &'static str, kind: &'static str, form: Form) -> Known {
    Known { object_type, property, kind, form }
}

/// Those of the standard, and those custom ones that tools agree on.
pub(super) static KNOWN: [Known; 29] = [
    known("domain-name", "value", "domain-name", Form::Host),
    known("ipv4-addr", "value", "ipv4-addr", Form::Host),
    known("ipv6-addr", "value", "ipv6-addr", Form::Host),
    known("hostname", "value", "domain-name", Form::Host),
    known("url", "value", "url", Form::Url),
    known("artifact", "url", "url", Form::Url),
    known("email-addr", "value", "email-addr", Form::Mail),
    known("email-message", "subject", "email-subject", Form::Plain),
    known("email-message", "message_id", "email-message-id", Form::Plain),
    known("mac-addr", "value", "mac-addr", Form::Mac),
    known("autonomous-system", "number", "autonomous-system", Form::AutonomousSystem),
    known("file", "name", "file-name", Form::Path),
    known("file", "path", "file-path", Form::Path),
    known("directory", "path", "file-path", Form::Path),
    known("mutex", "name", "mutex", Form::Plain),
    known("windows-registry-key", "key", "windows-registry-key", Form::RegistryKey),
    known("process", "name", "process-name", Form::Plain),
    known("process", "command_line", "process-command-line", Form::Plain),
    known("user-account", "user_id", "user-account", Form::Plain),
    known("user-account", "account_login", "user-account", Form::Plain),
    known("software", "name", "software-name", Form::Plain),
    known("software", "cpe", "software-cpe", Form::Plain),
    known("user-agent", "value", "user-agent", Form::Plain),
    known("x509-certificate", "serial_number", "certificate-serial", Form::Hash),
    known("vulnerability", "name", "vulnerability", Form::Cve),
    known("cryptocurrency-wallet", "value", "cryptocurrency-wallet", Form::Wallet),
    known("cryptocurrency-wallet", "address", "cryptocurrency-wallet", Form::Wallet),
    known("x-cryptocurrency-wallet", "value", "cryptocurrency-wallet", Form::Wallet),
    known("x-cryptocurrency-wallet", "address", "cryptocurrency-wallet", Form::Wallet),
];

/// Properties of what a reference leads to, whose type its name gives away: the reference's name and type.
const LEADING: [(&str, &str); 7] = [
    ("image_ref", "file"),
    ("binary_ref", "file"),
    ("body_raw_ref", "file"),
    ("parent_directory_ref", "directory"),
    ("parent_ref", "process"),
    ("creator_user_ref", "user-account"),
    ("creator_ref", "user-account"),
];

/// Algorithms of hashes that STIX 2.1 names (section 10.7) or real data has, as kinds end.
const ALGORITHMS: [&str; 17] = [
    "md4",
    "md5",
    "md6",
    "ripemd160",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha3-224",
    "sha3-256",
    "sha3-384",
    "sha3-512",
    "ssdeep",
    "tlsh",
    "whirlpool",
    "imphash",
];

/// The kinds that have a name of their own.
pub fn known_kinds() -> impl Iterator<Item = &'static str> {
    let named = KNOWN.iter().map(|known| known.kind);
    named.chain(crate::recognise::kinds()).chain(["file-imphash"])
}

/// Whether a text may be the kind of an observable: a known one, a hash by an algorithm that is less so, or a path.
#[must_use]
pub fn is_kind(text: &str) -> bool {
    let of_hash = || {
        let algorithm = text.strip_prefix("file-").or_else(|| text.strip_prefix("certificate-"));
        let is_none = || crate::near::nearest(text, known_kinds()).is_none();
        algorithm.is_some_and(|algorithm| ALGORITHMS.contains(&algorithm) || is_none())
    };
    text == "other" || text.contains(':') || known_kinds().any(|known| known == text) || of_hash()
}

/// The kind and form of the values of a path; nothing for the type of a referenced object (`dst_ref.type`).
pub(super) fn of(path: &Path<'_>, value: &str) -> Option<(Cow<'static, str>, Form)> {
    let names: Vec<_> = path.steps.iter().filter_map(Step::name).collect();
    let found = match names.as_slice() {
        [property] => direct(path.object_type, property),
        [.., "hashes", algorithm] if !names.contains(&"sections") => {
            Some((hash_kind(path.object_type, algorithm), Form::Hash))
        }
        [.., "request_header", header] => header_kind(header),
        [.., "windows-pebinary-ext", "imphash"] => Some((Cow::Borrowed("file-imphash"), Form::Hash)),
        [.., reference, "type"] if is_reference(reference) => return None,
        [.., reference, "value"] if is_reference(reference) => {
            Some((Cow::Owned(path_kind(path)), Form::Reference))
        }
        [.., reference, property] => {
            let leading = LEADING.iter().find(|(name, _)| name == reference);
            leading.and_then(|(_, object_type)| direct(object_type, property))
        }
        _ => None,
    };
    Some(found.unwrap_or_else(|| (Cow::Owned(path_kind(path)), other_form(value))))
}

fn direct(object_type: &str, property: &str) -> Option<(Cow<'static, str>, Form)> {
    let known = KNOWN.iter().find(|known| known.object_type == object_type && known.property == property)?;
    Some((Cow::Borrowed(known.kind), known.form))
}

fn is_reference(name: &str) -> bool {
    name.ends_with("_ref") || name.ends_with("_refs")
}

/// What the header of a HTTP request names.
fn header_kind(header: &str) -> Option<(Cow<'static, str>, Form)> {
    if header.eq_ignore_ascii_case("user-agent") {
        return Some((Cow::Borrowed("user-agent"), Form::Plain));
    }
    header.eq_ignore_ascii_case("host").then_some((Cow::Borrowed("domain-name"), Form::Host))
}

/// `file-sha256` for `SHA-256`, `sha256`, `SHA256`; certificates' own.
fn hash_kind(object_type: &str, algorithm: &str) -> Cow<'static, str> {
    let letters = algorithm.chars().filter(char::is_ascii_alphanumeric);
    let algorithm: String = letters.take(MAX_KIND / 2).map(|c| c.to_ascii_lowercase()).collect();
    let of = if object_type == "x509-certificate" { "certificate" } else { "file" };
    // SHA-384 has three digits in all, SHA3-256 has four.
    match algorithm.strip_prefix("sha3").filter(|bits| bits.len() == 3) {
        Some(bits) => Cow::Owned(format!("{of}-sha3-{bits}")),
        None => Cow::Owned(format!("{of}-{algorithm}")),
    }
}

/// The path itself.
fn path_kind(path: &Path<'_>) -> String {
    let kind = path.to_string();
    if kind.len() <= MAX_KIND && safe(&kind, MAX_KIND) == kind { kind } else { "other".to_owned() }
}

/// What looks like a digest is normalised as one.
fn other_form(value: &str) -> Form {
    let value = value.trim();
    let is_digest = value.bytes().all(|b| b.is_ascii_hexdigit()) && hash::algorithm(value).is_some();
    if is_digest { Form::Hash } else { Form::Plain }
}
