//! Plain lists, as firewalls read them ("external dynamic lists"): one kind of thing, one a line, nothing else.
//!
//! Comments stand there only when a reader has to know something, since not every firewall skips them.

use super::shape::{bare_url, is_digest};
use super::{Head, Row, Writer};
use crate::normal::{Network, is_name};

/// What a line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// Single addresses.
    Addresses,
    /// Networks as `ADDRESS/LENGTH`.
    Networks,
    /// Host names.
    Domains,
    /// URLs without their scheme.
    Urls,
    /// MD5, SHA-1, SHA-256 and SHA-512 digests.
    Hashes,
}

impl Plain {
    fn line<'a>(self, row: &Row<'a>) -> Option<&'a str> {
        let value = row.value;
        match self {
            Self::Addresses => Network::parse(value)?.is_single().then_some(value),
            Self::Networks => (!Network::parse(value)?.is_single()).then_some(value),
            Self::Domains => is_name(value).then_some(value),
            Self::Urls => bare_url(value),
            Self::Hashes => is_digest(row.kind, value).then_some(value),
        }
    }
}

impl Writer for Plain {
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        head.comment("#", out);
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        let line = self.line(row);
        out.extend(line.into_iter().flat_map(|line| [line, "\n"]));
        line.is_some()
    }
}
