//! Recognises what a typed value is, for whoever publishes it: [`recognise`] never guesses where two answers are likely.
//!
//! A kind can be said in front of a value (`mutex:Global\x`); kinds that no shape gives away have to be.

mod things;

use crate::display::safe;
use crate::normal::{Host, MAX_TEXT, Typed, hash, host, mail, number, path, url, wallet};
use crate::observable::Observable;
use crate::pattern::{Literal, Path, Step};
use things::{THINGS, Thing};

/// How much of a value an error quotes, in characters.
const MAX_QUOTE: usize = 80;
/// Fewer hexadecimal digits may be anything.
const FEWEST_DIGITS: usize = 24;
/// Endings of files that are no top-level domains, so that `evil.exe` is a file.
const FILE_ENDINGS: [&str; 61] = [
    "7z", "apk", "asp", "aspx", "bat", "bin", "cfg", "chm", "cmd", "cpl", "csv", "dat", "dll", "dmg", "doc",
    "docm", "docx", "dotm", "dylib", "elf", "eml", "exe", "gz", "hta", "htm", "html", "img", "inf", "ini",
    "iso", "jar", "js", "jse", "json", "jsp", "lnk", "log", "msi", "ocx", "pdf", "php", "pkg", "plist",
    "ppt", "pptx", "ps1", "rar", "rtf", "scr", "sys", "tar", "tmp", "txt", "vbe", "vbs", "wsf", "xls",
    "xlsb", "xlsm", "xlsx", "xml",
];
/// Endings that files and domains share about equally.
const SHARED_ENDINGS: [&str; 2] = ["zip", "mov"];

/// A value of a known kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    thing: &'static Thing,
    value: String,
}

/// Why a value was not recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// There is nothing.
    #[error("the value is empty")]
    Empty,
    /// No value is that long.
    #[error("the value has {0} bytes; the longest that is taken has {MAX_TEXT}")]
    TooLong(usize),
    /// A kind was said that the value is not of: the value, the kind in words.
    #[error("\"{0}\" is no {1}")]
    NotA(String, &'static str),
    /// A domain or address has a port.
    #[error("\"{0}\" has a port: leave it out, or write the URL with http:// or the like in front")]
    Port(String),
    /// A URL lacks its scheme.
    #[error("\"{0}\" lacks its scheme: write http:// or https:// in front of it")]
    Scheme(String),
    /// It may be one of several things: the value, the kinds.
    #[error("\"{0}\" may be a {1} or a {2}")]
    Ambiguous(String, &'static str, &'static str),
    /// It looks like a hash, but has digits too many or too few.
    #[error(
        "\"{0}\" has {1} hexadecimal digits, and no hash has: a digit may be missing (MD5 has 32, SHA-1 40, SHA-256 64)"
    )]
    Digits(String, usize),
    /// It has the shape of nothing.
    #[error(
        "\"{0}\" is nothing that is recognised: no address, network, domain, URL, e-mail address, hash, CVE, path, registry key, \
         MAC address, AS number or wallet"
    )]
    Unknown(String),
}

impl Recognised {
    /// The kind, as observables name it: `ipv4-addr`, `file-sha256`, …
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.thing.kind
    }

    /// The value as objects should hold it: its normal form, except that paths and registry keys keep their case.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What it is, for people: `IPv4 network`, `SHA-256 hash`.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match (self.kind(), self.value.contains('/')) {
            ("ipv4-addr", true) => "IPv4 network",
            ("ipv6-addr", true) => "IPv6 network",
            _ => self.thing.words,
        }
    }

    /// The STIX pattern that looks for it; nothing for a vulnerability, which no sensor sees.
    #[must_use]
    pub fn pattern(&self) -> Option<String> {
        let literal = match self.kind() {
            "autonomous-system" => Literal::Number(&self.value),
            _ => Literal::Text(self.value.as_str().into()),
        };
        Some(format!("[{} = {literal}]", self.path()?))
    }

    /// What is looked for, in its normal form.
    #[must_use]
    pub fn observable(&self) -> Observable {
        let found = self.path().and_then(|path| Observable::new(&path, &self.value));
        found.unwrap_or_else(|| Observable { value: self.value.clone(), kind: self.kind().into() })
    }

    /// The name of the property that holds it: `value`, `SHA-256`, …
    pub(crate) fn property(&self) -> Option<&'static str> {
        self.thing.place.and_then(|(_, steps)| steps.last().copied())
    }

    /// The way to it in an observable object.
    fn path(&self) -> Option<Path<'static>> {
        let (object_type, steps) = self.thing.place?;
        Some(Path { object_type, steps: steps.iter().map(|name| Step::Name((*name).into())).collect() })
    }
}

/// The kinds that can be said in front of a value.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    THINGS.iter().map(|thing| thing.kind)
}

/// What a typed value is, defanged or not.
///
/// # Errors
/// Why it is not clear what the value is.
pub fn recognise(text: &str) -> Result<Recognised, Unrecognised> {
    let text = text.trim();
    match text.len() {
        0 => return Err(Unrecognised::Empty),
        MAX_TEXT.. => return Err(Unrecognised::TooLong(text.len())),
        _ => {}
    }
    let said = text.split_once(':').and_then(|(kind, value)| Some((things::of(kind)?, value)));
    match said {
        Some((thing, value)) => as_said(thing, value),
        None => guessed(text),
    }
}

fn as_said(thing: &'static Thing, text: &str) -> Result<Recognised, Unrecognised> {
    let value = thing.read(&Typed::new(text));
    value.map(|value| Recognised { thing, value }).ok_or_else(|| Unrecognised::NotA(quote(text), thing.words))
}

fn guessed(text: &str) -> Result<Recognised, Unrecognised> {
    let typed = Typed::new(text);
    let kind = kind_by_notation(&typed).map_or_else(|| kind_by_host(&typed), Ok)?;
    let unknown = || Unrecognised::Unknown(quote(text));
    as_said(things::of(&kind).ok_or_else(unknown)?, text)
}

/// What a notation of its own gives away.
fn kind_by_notation(typed: &Typed<'_>) -> Option<String> {
    let (raw, meant) = (typed.raw, typed.refanged());
    let is_path = path::is_windows(raw) || raw.starts_with('/') && raw.len() > 1 && !raw.starts_with("//");
    let kind = match raw {
        _ if path::expanded(raw).is_some() => "windows-registry-key",
        _ if is_path => "file-path",
        _ if number::cve(raw).is_some() => "vulnerability",
        _ if number::after_as(raw).is_some_and(|number| number::autonomous_system(number).is_some()) => {
            "autonomous-system"
        }
        _ if wallet::read(raw).is_some() => "cryptocurrency-wallet",
        _ if number::notated_mac(meant).is_some() => "mac-addr",
        _ if url::has_scheme(meant) => "url",
        _ if mail::read(meant).is_some() => "email-addr",
        _ => {
            let algorithm = hash::read(raw).and_then(|digest| hash::algorithm(&digest));
            return algorithm.map(|algorithm| format!("file-{algorithm}"));
        }
    };
    Some(kind.to_owned())
}

/// A domain, an address, or what looks like one at first sight.
fn kind_by_host(typed: &Typed<'_>) -> Result<String, Unrecognised> {
    let meant = typed.refanged();
    let Some(host) = host::read(meant) else {
        let lacks_scheme = url::lacks_scheme(meant) && url::read(meant).is_some();
        let is_hex = typed.raw.len() >= FEWEST_DIGITS && typed.raw.bytes().all(|b| b.is_ascii_hexdigit());
        return Err(match lacks_scheme {
            _ if is_hex => Unrecognised::Digits(quote(typed.raw), typed.raw.len()),
            true => Unrecognised::Scheme(quote(typed.raw)),
            false => Unrecognised::Unknown(quote(typed.raw)),
        });
    };
    let name = match &host {
        Host::Network(network) => {
            let is_plain = crate::normal::Network::parse(meant.trim_matches(['[', ']'])).is_some();
            let kind = if network.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
            return if is_plain { Ok(kind.to_owned()) } else { Err(Unrecognised::Port(quote(typed.raw))) };
        }
        Host::Name(name) => name,
    };
    let ending = name.rsplit('.').next().unwrap_or_default();
    match meant {
        _ if meant.contains(':') => Err(Unrecognised::Port(quote(typed.raw))),
        _ if SHARED_ENDINGS.contains(&ending) => {
            Err(Unrecognised::Ambiguous(quote(typed.raw), "domain-name", "file-name"))
        }
        _ if FILE_ENDINGS.contains(&ending) => Ok("file-name".to_owned()),
        _ => Ok("domain-name".to_owned()),
    }
}

fn quote(text: &str) -> String {
    safe(text.trim(), MAX_QUOTE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
