//! A rule for each value.
//!
//! The number of a rule (`sid`) is a function of what it looks for, so that it stays the same from one fetch to the next
//! and a tool that switches a rule off by its number stays right.

use std::collections::HashSet;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::super::shape::{bare_url, split_path};
use super::super::{Head, Row, Writer};
use super::{content, message, metadata};
use crate::normal::{Network, is_name};

/// Rule numbers begin beyond what others use, and end below 2^31, where many tools stop counting.
const FIRST_SID: u32 = 1_000_000_000;
const SIDS: u32 = (i32::MAX as u32) - FIRST_SID;
/// An address that everybody talks to rings once an hour for each host that does.
const ONCE_AN_HOUR: &str = "threshold:type limit, track by_src, count 1, seconds 3600; ";

/// Writes rules, and remembers their numbers so that none is given twice.
#[derive(Default)]
pub(in crate::formats) struct Rules {
    raises: &'static str,
    given: HashSet<u32>,
}

/// What tells a name in a protocol: the protocol and its buffer.
const NAMES: [(&str, &str); 3] = [("dns", "dns.query"), ("tls", "tls.sni"), ("http", "http.host")];

impl Writer for Rules {
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        self.raises = head.raises();
        head.comment("#", out);
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        match row.kind {
            "domain-name" if is_name(row.value) => self.name(row, out),
            "ipv4-addr" | "ipv6-addr" if Network::parse(row.value).is_some() => self.address(row, out),
            "url" => match bare_url(row.value) {
                Some(bare) => self.url(row, bare, out),
                None => return false,
            },
            _ => return false,
        }
        true
    }
}

impl Rules {
    fn name(&mut self, row: &Row<'_>, out: &mut String) {
        let pattern = content(&format!(".{}", row.value.to_ascii_lowercase()));
        for (protocol, buffer) in NAMES {
            let lower = if protocol == "http" { "" } else { "to_lowercase; " };
            let what = format!("{buffer}; {lower}dotprefix; content:\"{pattern}\"; endswith; fast_pattern; ");
            self.push(row, protocol, "-> any any", &what, out);
        }
    }

    fn address(&mut self, row: &Row<'_>, out: &mut String) {
        self.push(row, "ip", &format!("<> {} any", row.value), ONCE_AN_HOUR, out);
    }

    fn url(&mut self, row: &Row<'_>, bare: &str, out: &mut String) {
        let (authority, path) = split_path(bare);
        let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let what = format!(
            "flow:established,to_server; http.host; content:\"{host}\"; bsize:{}; http.uri.raw; content:\"{}\"; \
             bsize:{}; ",
            host.len(),
            content(&path),
            path.len()
        );
        self.push(row, "http", "-> any any", &what, out);
    }

    fn push(&mut self, row: &Row<'_>, protocol: &str, to: &str, what: &str, out: &mut String) {
        let message = message(&format!("{} {} reports {}", self.raises, row.members, row.value));
        let sid = self.sid(protocol, row.kind, row.value);
        let _ = writeln!(
            out,
            "alert {protocol} $HOME_NET any {to} (msg:\"{message}\"; {what}classtype:bad-unknown; sid:{sid}; \
             rev:1; metadata:{};)",
            metadata(row)
        );
    }

    /// The number that the digest of what is looked for gives; the next digest's, if another rule has it already.
    fn sid(&mut self, protocol: &str, kind: &str, value: &str) -> u32 {
        let mut digest = Sha256::digest([protocol, kind, value].join("\0"));
        loop {
            let [a, b, c, d, ..] = digest.0;
            let sid = FIRST_SID + u32::from_be_bytes([a, b, c, d]) % SIDS;
            if self.given.insert(sid) {
                return sid;
            }
            digest = Sha256::digest(digest);
        }
    }
}
