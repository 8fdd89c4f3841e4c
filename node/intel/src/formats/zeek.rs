//! Zeek's intelligence framework: tab-separated lines under a `#fields` header.
//!
//! Zeek's ASCII reader takes `\xNN` for a byte, `-` for "unset" and a line that begins with `#` for a comment, so that
//! values which hold those are written in escapes.

use std::borrow::Cow;

use super::shape::{bare_url, is_digest};
use super::{Head, Row, Writer, is_sayable};
use crate::normal::{Network, is_name};

#[derive(Default)]
pub(super) struct Zeek {
    raises: &'static str,
}

impl Writer for Zeek {
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        self.raises = head.raises();
        head.comment("#", out);
        out.push_str("#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n");
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        let Some((indicator, indicator_type)) = indicator(row) else { return false };
        let (source, description) = (format!("{} {}", self.raises, row.members), row.description());
        let fields = [&escaped(indicator), indicator_type, &escaped(&source), &escaped(&description)];
        out.extend([&fields.join("\t"), "\n"]);
        true
    }
}

/// The value as Zeek compares it, and its type; nothing if Zeek knows no such thing.
fn indicator<'a>(row: &Row<'a>) -> Option<(&'a str, &'static str)> {
    let value = row.value;
    let indicator_type = match row.kind {
        "ipv4-addr" | "ipv6-addr" => match Network::parse(value)?.is_single() {
            true => "Intel::ADDR",
            false => "Intel::SUBNET",
        },
        "url" => return Some((bare_url(value)?, "Intel::URL")),
        "domain-name" => is_name(value).then_some("Intel::DOMAIN")?,
        "email-addr" => "Intel::EMAIL",
        "user-account" => "Intel::USER_NAME",
        "certificate-sha1" => is_digest("file-sha1", value).then_some("Intel::CERT_HASH")?,
        "file-md5" | "file-sha1" | "file-sha256" => {
            is_digest(row.kind, value).then_some("Intel::FILE_HASH")?
        }
        "file-name" => "Intel::FILE_NAME",
        "software-name" => "Intel::SOFTWARE",
        _ => return None,
    };
    is_sayable(value).then_some((value, indicator_type))
}

/// A field that Zeek reads back as `text`.
fn escaped(text: &str) -> Cow<'_, str> {
    let mark = match text.as_bytes().first() {
        Some(b'#') => Some("\\x23"),
        Some(b'-') if text.len() == 1 => Some("\\x2d"),
        Some(b'(') if text == "(empty)" => Some("\\x28"),
        _ => None,
    };
    if mark.is_none() && !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let rest = if mark.is_some() { &text[1..] } else { text };
    Cow::Owned(format!("{}{}", mark.unwrap_or_default(), rest.replace('\\', "\\x5c")))
}
