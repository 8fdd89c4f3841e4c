//! What no list of this node ever holds, whoever reports it: what its operators allow, and what would take the node's own
//! country down with it, such as private networks and whole top-level domains.
//!
//! The allow-list is a text of one entry a line: an address, a network, a domain (which stands for its sub-domains too) or
//! any other value, defanged or not. `#` begins a comment. It says what is not listed, never what is not known: questions
//! about a value are answered all the same.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::display::safe;
use crate::normal::{Host, Network, Typed, host, is_name, is_suffix, values};

/// The longest line of an allow-list in bytes.
const MAX_LINE: usize = 4_096;
/// How much of a line an error quotes, in characters.
const MAX_QUOTE: usize = 80;
/// Networks with a shorter prefix hold too much for anyone to mean it.
const SHORTEST_IPV4: u8 = 8;
const SHORTEST_IPV6: u8 = 16;

/// Addresses that no list holds, not even a part of them (RFC 6890 and the registries that it began).
const SPECIAL: [(&str, &str); 16] = [
    ("0.0.0.0/8", "it is no address of a host"),
    ("10.0.0.0/8", "it is a private network"),
    ("100.64.0.0/10", "it is a carrier's inner network"),
    ("127.0.0.0/8", "it is the machine itself"),
    ("169.254.0.0/16", "it is a link's own network"),
    ("172.16.0.0/12", "it is a private network"),
    ("192.0.0.0/24", "it is reserved for protocols"),
    ("192.168.0.0/16", "it is a private network"),
    ("224.0.0.0/4", "it is multicast"),
    ("240.0.0.0/4", "it is reserved"),
    ("::/128", "it is no address of a host"),
    ("::1/128", "it is the machine itself"),
    ("64:ff9b::/96", "it is translated IPv4"),
    ("fc00::/7", "it is a private network"),
    ("fe80::/10", "it is a link's own network"),
    ("ff00::/8", "it is multicast"),
];

/// The same, read once.
static SPECIAL_NETWORKS: LazyLock<Vec<(Network, &str)>> =
    LazyLock::new(|| SPECIAL.iter().filter_map(|(text, why)| Some((Network::parse(text)?, *why))).collect());

/// A line of an allow-list that would not do what it seems to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} ({quoted}): {why}")]
pub struct AllowFault {
    /// From 1.
    pub line: usize,
    quoted: String,
    why: &'static str,
}

/// Why a value is in no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBack<'a> {
    /// The operators of this node allow it: the entry that says so.
    Allowed(&'a str),
    /// Nobody can mean it: why.
    Never(&'static str),
}

impl fmt::Display for HeldBack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(entry) => write!(f, "the allow-list of this node has {entry}"),
            Self::Never(why) => f.write_str(why),
        }
    }
}

/// An allow-list that has been read, and what nobody can mean.
#[derive(Debug, Default)]
pub struct AllowList {
    networks: Vec<(Network, String)>,
    names: HashMap<String, String>,
    /// What lies above the names.
    above: HashMap<String, String>,
    values: HashMap<String, String>,
    entries: usize,
}

impl AllowList {
    /// Reads a list.
    ///
    /// # Errors
    /// The first line that can't mean what it seems to.
    pub fn read(text: &str) -> Result<Self, AllowFault> {
        let mut list = Self::default();
        for (at, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if !entry.is_empty() {
                let fault = |why| AllowFault { line: at + 1, quoted: safe(entry, MAX_QUOTE), why };
                list.add(entry).map_err(fault)?;
            }
        }
        Ok(list)
    }

    fn add(&mut self, entry: &str) -> Result<(), &'static str> {
        if entry.len() > MAX_LINE {
            return Err("it is too long");
        }
        let (typed, shown) = (Typed::new(entry), safe(entry, MAX_QUOTE));
        match host::read(typed.refanged()) {
            Some(Host::Network(network)) => self.networks.push((network, shown)),
            Some(Host::Name(name)) => self.add_name(name, shown),
            // A single label may also be a word, or a hash.
            None if is_name(&format!("a.{}", entry.to_ascii_lowercase())) => {
                self.add_value(entry, &shown);
                self.add_name(entry.to_ascii_lowercase(), shown);
            }
            None if entry.contains('/')
                && entry.bytes().all(|b| b.is_ascii_digit() || b"./".contains(&b)) =>
            {
                return Err("it is no network: an address and a prefix length were expected");
            }
            None if entry.bytes().all(|b| b.is_ascii_digit() || b'.' == b) => return Err("it is no address"),
            None if entry.contains(", ") || (entry.contains(' ') && !entry.contains(['\\', '/', ':'])) => {
                return Err("it is more than one value: each stands on a line of its own");
            }
            None => self.add_value(entry, &shown),
        }
        self.entries += 1;
        Ok(())
    }

    fn add_name(&mut self, name: String, shown: String) {
        self.above.extend(parents(&name).map(|parent| (parent.to_owned(), shown.clone())));
        self.names.insert(name, shown);
    }

    fn add_value(&mut self, entry: &str, shown: &str) {
        self.values.extend(values(entry).map(|value| (value, shown.to_owned())));
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Why lists don't hold this value, if they don't. A network is held back for any part of it, and a domain for any
    /// allowed domain below it, since listing the whole would take the part with it. A URL is held back for its host only
    /// where it says nothing more than the host: a path on a good site can be bad.
    #[must_use]
    pub fn holds_back(&self, kind: &str, value: &str) -> Option<HeldBack<'_>> {
        match kind {
            "ipv4-addr" | "ipv6-addr" => self.network(Network::parse(value)?),
            "domain-name" => self.name(value),
            "url" => self.url(value),
            _ => self.value(value),
        }
    }

    /// The same for a value as a person types it, as whatever it looks like.
    #[must_use]
    pub fn holds_back_typed(&self, typed: &str) -> Option<HeldBack<'_>> {
        match host::read(Typed::new(typed).refanged()) {
            Some(Host::Network(network)) => self.network(network),
            Some(Host::Name(name)) => self.name(&name),
            None => values(typed).find_map(|value| self.url(&value)),
        }
    }

    fn network(&self, network: Network) -> Option<HeldBack<'_>> {
        if let Some(entry) = self.allowed_network(network) {
            return Some(HeldBack::Allowed(entry));
        }
        let shortest = if network.is_ipv4() { SHORTEST_IPV4 } else { SHORTEST_IPV6 };
        if network.prefix_len() < shortest {
            return Some(HeldBack::Never("it holds a large part of the Internet"));
        }
        let special = SPECIAL_NETWORKS.iter().find(|(special, _)| special.overlaps(network));
        special.map(|(_, why)| HeldBack::Never(why))
    }

    fn allowed_network(&self, network: Network) -> Option<&str> {
        let found = self.networks.iter().find(|(allowed, _)| allowed.overlaps(network));
        found.map(|(_, entry)| entry.as_str())
    }

    fn name(&self, name: &str) -> Option<HeldBack<'_>> {
        if let Some(entry) = self.allowed_name(name) {
            return Some(HeldBack::Allowed(entry));
        }
        if is_suffix(name) {
            return Some(HeldBack::Never("anyone may register names below it"));
        }
        let is_local = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
        let local = ["arpa", "local", "localhost", "internal"].into_iter().any(is_local);
        local.then_some(HeldBack::Never("it is a name of local networks"))
    }

    /// The entry for the name, for a name above it, or for one below it.
    fn allowed_name(&self, name: &str) -> Option<&str> {
        let covers = self.names.get(name).or_else(|| parents(name).find_map(|parent| self.names.get(parent)));
        covers.or_else(|| self.above.get(name)).map(String::as_str)
    }

    fn url(&self, url: &str) -> Option<HeldBack<'_>> {
        let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = bare.split_at(bare.find(['/', '?', '#']).unwrap_or(bare.len()));
        let by_host = || match (Network::parse(host), host::read(host)) {
            (Some(network), _) => self.network(network),
            (None, Some(Host::Name(name))) => self.name(&name),
            (None, _) => self.allowed_name(host).map(HeldBack::Allowed),
        };
        let says_more = !path.trim_start_matches(['/', '?', '#']).is_empty();
        // A page of a host that nobody else can reach means nothing to others; one below a suffix does.
        let is_no_host = |held: &HeldBack<'_>| matches!(held, HeldBack::Never(_)) && !is_suffix(host);
        self.value(url).or_else(|| by_host().filter(|held| !says_more || is_no_host(held)))
    }

    fn value(&self, value: &str) -> Option<HeldBack<'_>> {
        self.values.get(value).map(|entry| HeldBack::Allowed(entry))
    }
}

/// The domains above a name, nearest first.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1)).skip(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{AllowList, HeldBack};

    const LIST: &str = "# ours\n203.0.113.0/28\n2001:db8:1::/48 # lab\nBank[.]example\ngov.sg\n\
        hxxps://cdn[.]example/lib.js\nD41D8CD98F00B204E9800998ECF8427E\n  \nwww.shop.example\n";

    #[test]
    fn entries_cover_what_they_hold_and_what_holds_them() {
        let list = AllowList::read(LIST).unwrap();
        for (kind, value, entry) in [
            ("ipv4-addr", "203.0.113.7", Some("203.0.113.0/28")),
            ("ipv4-addr", "203.0.113.0/24", Some("203.0.113.0/28")),
            ("ipv4-addr", "203.0.113.16", None),
            ("ipv6-addr", "2001:db8:1::9", Some("2001:db8:1::/48")),
            ("ipv6-addr", "2001:db8:2::9", None),
            ("domain-name", "bank.example", Some("Bank[.]example")),
            ("domain-name", "www.bank.example", Some("Bank[.]example")),
            ("domain-name", "evilbank.example", None),
            ("domain-name", "cert.gov.sg", Some("gov.sg")),
            ("domain-name", "shop.example", Some("www.shop.example")),
            ("domain-name", "evil.shop.example", None),
            ("url", "https://cdn.example/lib.js", Some("hxxps://cdn[.]example/lib.js")),
            ("url", "https://bank.example/", Some("Bank[.]example")),
            ("url", "https://203.0.113.7", Some("203.0.113.0/28")),
            ("url", "https://bank.example/login.php", None),
            ("file-md5", "d41d8cd98f00b204e9800998ecf8427e", Some("D41D8CD98F00B204E9800998ECF8427E")),
            ("email-addr", "joe@bank.example", None),
        ] {
            assert_eq!(list.holds_back(kind, value), entry.map(HeldBack::Allowed), "{value}");
        }
        assert_eq!(list.len(), 7);
    }

    #[test]
    fn what_is_typed_is_taken_for_what_it_looks_like() {
        let list = AllowList::read(LIST).unwrap();
        for (typed, entry) in [
            ("203.0.113[.]7", Some("203.0.113.0/28")),
            ("WWW.bank[.]example", Some("Bank[.]example")),
            ("hxxps://cdn.example/lib.js", Some("hxxps://cdn[.]example/lib.js")),
            ("d41d8cd98f00b204e9800998ecf8427e", Some("D41D8CD98F00B204E9800998ECF8427E")),
            ("evil.example", None),
            ("", None),
        ] {
            assert_eq!(list.holds_back_typed(typed), entry.map(HeldBack::Allowed), "{typed}");
        }
        assert!(list.holds_back_typed("10.1.2.3").is_some());
    }

    #[test]
    fn what_nobody_can_mean_is_held_back_without_a_list() {
        let list = AllowList::default();
        for (kind, value, held_back) in [
            ("ipv4-addr", "10.1.2.3", true),
            ("ipv4-addr", "127.0.0.1", true),
            ("ipv4-addr", "192.0.0.0/8", true),
            ("ipv4-addr", "128.0.0.0/1", true),
            ("ipv4-addr", "0.0.0.0/0", true),
            ("ipv4-addr", "198.51.100.7", false),
            ("ipv4-addr", "198.51.100.0/24", false),
            ("ipv6-addr", "::1", true),
            ("ipv6-addr", "2000::/3", true),
            ("ipv6-addr", "2001:db8::/32", false),
            ("domain-name", "com", true),
            ("domain-name", "co.id", true),
            ("domain-name", "7.113.0.203.in-addr.arpa", true),
            ("domain-name", "printer.local", true),
            ("domain-name", "notlocal.example", false),
            ("url", "http://127.0.0.1/x", true),
            ("url", "http://10.0.0.1/", true),
            ("url", "http://co.uk/", true),
            ("url", "http://co.uk/x", false),
            ("url", "http://printer.local/x", true),
            ("url", "http://evil.example/", false),
            ("file-name", "10.0.0.0/8", false),
        ] {
            let found = list.holds_back(kind, value);
            assert_eq!(matches!(found, Some(HeldBack::Never(_))), held_back, "{value}: {found:?}");
        }
    }

    #[test]
    fn slips_are_named_by_their_line() {
        for (text, words) in [
            ("a.example\n10.0.0.0/33", "line 2 (10.0.0.0/33)"),
            (&"x".repeat(5_000), "too long"),
            ("bad line here", "more than one value"),
            ("a.example, b.example", "more than one value"),
            ("999.1.1.1", "no address"),
        ] {
            let fault = AllowList::read(text).unwrap_err().to_string();
            assert!(fault.contains(words), "{fault}");
        }
        assert!(AllowList::read("\n# nothing\n").unwrap().is_empty());
    }
}
