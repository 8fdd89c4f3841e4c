//! Which lists there are: their names under `/feeds/`, what each holds, and who reads it.

use std::fmt;
use std::str::FromStr;

use super::csv::Csv;
use super::plain::Plain;
use super::rpz::Rpz;
use super::suricata::{Digests, Names, Reputation, Rules, categories, set_rules};
use super::zeek::Zeek;
use super::{Head, Writer};

/// A list by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // `TABLE` says what each is.
pub enum Feed {
    Addresses,
    Networks,
    Domains,
    Urls,
    Hashes,
    Csv,
    Zeek,
    Rpz,
    SuricataRules,
    SuricataSetRules,
    SuricataDomains,
    SuricataMd5,
    SuricataSha1,
    SuricataSha256,
    SuricataReputation,
    SuricataCategories,
    Misp,
    Stix,
}

/// A text that names no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no list {0:?}")]
pub struct UnknownFeed(String);

impl UnknownFeed {
    /// The list that may be meant.
    #[must_use]
    pub fn near(&self) -> Option<&'static str> {
        crate::near::nearest(&self.0, TABLE.iter().map(|entry| entry.name))
    }
}

/// What is said of a list.
struct Entry {
    feed: Feed,
    name: &'static str,
    media_type: &'static str,
    kinds: &'static [&'static str],
    about: &'static str,
}

const TEXT: &str = "text/plain; charset=utf-8";
const NAMES_AND_ADDRESSES: &[&str] = &["domain-name", "ipv4-addr", "ipv6-addr"];
const ADDRESSES: &[&str] = &["ipv4-addr", "ipv6-addr"];

const fn entry(
    feed: Feed,
    name: &'static str,
    media_type: &'static str,
    kinds: &'static [&'static str],
    about: &'static str,
) -> Entry {
    Entry { feed, name, media_type, kinds, about }
}

/// In the order of [`Feed`].
static TABLE: [Entry; 18] = [
    entry(Feed::Addresses, "addresses.txt", TEXT, ADDRESSES, "addresses, one a line"),
    entry(Feed::Networks, "networks.txt", TEXT, ADDRESSES, "networks as ADDRESS/LENGTH, one a line"),
    entry(Feed::Domains, "domains.txt", TEXT, &["domain-name"], "domain names, one a line"),
    entry(Feed::Urls, "urls.txt", TEXT, &["url"], "URLs without their scheme, one a line"),
    entry(
        Feed::Hashes,
        "hashes.txt",
        TEXT,
        &["file-md5", "file-sha1", "file-sha256", "file-sha512"],
        "MD5, SHA-1, SHA-256 and SHA-512 of files, one a line",
    ),
    entry(
        Feed::Csv,
        "indicators.csv",
        "text/csv; charset=utf-8; header=present",
        &[],
        "values of every type with who reports them, for spreadsheets",
    ),
    entry(
        Feed::Zeek,
        "zeek.intel",
        TEXT,
        &[
            "certificate-sha1",
            "domain-name",
            "email-addr",
            "file-md5",
            "file-name",
            "file-sha1",
            "file-sha256",
            "ipv4-addr",
            "ipv6-addr",
            "software-name",
            "url",
            "user-account",
        ],
        "Zeek's intelligence framework",
    ),
    entry(
        Feed::Rpz,
        "rpz.zone",
        TEXT,
        NAMES_AND_ADDRESSES,
        "response policy zone: BIND, Unbound, Knot, PowerDNS",
    ),
    entry(
        Feed::SuricataRules,
        "suricata.rules",
        TEXT,
        &["domain-name", "ipv4-addr", "ipv6-addr", "url"],
        "Suricata: rules for each name, address and URL",
    ),
    entry(
        Feed::SuricataSetRules,
        "suricata/certmesh.rules",
        TEXT,
        &[],
        "Suricata: nine rules over the lists beside it, which may be of any length",
    ),
    entry(
        Feed::SuricataDomains,
        "suricata/certmesh-domains.lst",
        TEXT,
        &["domain-name"],
        "Suricata: data set of names",
    ),
    entry(Feed::SuricataMd5, "suricata/certmesh-md5.lst", TEXT, &["file-md5"], "Suricata: MD5 of files"),
    entry(Feed::SuricataSha1, "suricata/certmesh-sha1.lst", TEXT, &["file-sha1"], "Suricata: SHA-1 of files"),
    entry(
        Feed::SuricataSha256,
        "suricata/certmesh-sha256.lst",
        TEXT,
        &["file-sha256"],
        "Suricata: SHA-256 of files",
    ),
    entry(
        Feed::SuricataReputation,
        "suricata/certmesh-reputation.list",
        TEXT,
        ADDRESSES,
        "Suricata: reputation of addresses and networks",
    ),
    entry(
        Feed::SuricataCategories,
        "suricata/certmesh-categories.txt",
        TEXT,
        &[],
        "Suricata: what the reputation's numbers mean",
    ),
    entry(Feed::Misp, "misp/manifest.json", "application/json", &[], "MISP feed; its events are beside it"),
    entry(
        Feed::Stix,
        "stix.json",
        "application/stix+json;version=2.1",
        &[],
        "STIX 2.1 bundle of indicators, as published",
    ),
];

/// How a list comes about.
pub enum Source {
    /// From rows, by this writer.
    Rows(Box<dyn Writer>),
    /// Whatever values there are, it is the same text, as this writes it.
    Fixed(fn(&Head<'_>) -> String),
    /// From the objects themselves: [`super::Bundle`] and [`super::misp`].
    Objects,
}

impl Feed {
    /// Every list.
    pub fn all() -> impl Iterator<Item = Feed> {
        TABLE.iter().map(|entry| entry.feed)
    }

    /// Its name, such as `domains.txt`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Its media type, for an answer's `Content-Type`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        self.entry().media_type
    }

    /// The kinds of values that it can hold, sorted; none if it can hold any.
    #[must_use]
    pub fn kinds(self) -> &'static [&'static str] {
        self.entry().kinds
    }

    /// What it is, in words.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// How it comes about.
    #[must_use]
    pub fn source(self) -> Source {
        let writer: Box<dyn Writer> = match self {
            Self::Addresses => Box::new(Plain::Addresses),
            Self::Networks => Box::new(Plain::Networks),
            Self::Domains => Box::new(Plain::Domains),
            Self::Urls => Box::new(Plain::Urls),
            Self::Hashes => Box::new(Plain::Hashes),
            Self::Csv => Box::new(Csv::default()),
            Self::Zeek => Box::new(Zeek::default()),
            Self::Rpz => Box::new(Rpz),
            Self::SuricataRules => Box::new(Rules::default()),
            Self::SuricataSetRules => return Source::Fixed(set_rules),
            Self::SuricataDomains => Box::new(Names),
            Self::SuricataMd5 => Box::new(Digests::of("file-md5")),
            Self::SuricataSha1 => Box::new(Digests::of("file-sha1")),
            Self::SuricataSha256 => Box::new(Digests::of("file-sha256")),
            Self::SuricataReputation => Box::new(Reputation),
            Self::SuricataCategories => return Source::Fixed(categories),
            Self::Misp | Self::Stix => return Source::Objects,
        };
        Source::Rows(writer)
    }

    fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Feed {
    type Err = UnknownFeed;

    fn from_str(name: &str) -> Result<Self, UnknownFeed> {
        let found = TABLE.iter().find(|entry| entry.name == name);
        found.map(|entry| entry.feed).ok_or_else(|| UnknownFeed(crate::display::safe(name, 80)))
    }
}
