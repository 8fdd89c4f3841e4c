//! What a reader wants of a list: the pairs of a query, read strictly. A slip in a filter would put what nobody wanted into
//! a firewall, so that what isn't understood is refused.

use std::collections::BTreeSet;

use certmesh_intel::display::safe;
use certmesh_intel::formats::Feed;
use certmesh_intel::near::nearest;
use certmesh_intel::{Tlp, observable};
use certmesh_wire::MemberCode;

/// Units of an age, in milliseconds.
const UNITS: [(char, u64); 4] = [('m', 60_000), ('h', 3_600_000), ('d', 86_400_000), ('w', 604_800_000)];
/// The most values of a page.
const MAX_LIMIT: u64 = 10_000_000;
/// The most items of one filter.
const MAX_ITEMS: usize = 100;

/// A parameter that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {why}")]
pub(crate) struct WantedFault {
    name: String,
    why: String,
}

/// Which values of a list, and who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted {
    /// The strictest marking that the reader may see.
    pub(crate) ceiling: Tlp,
    /// These kinds; any, if there are none.
    pub(super) kinds: BTreeSet<String>,
    /// Reported by one of these members; by any, if there are none.
    pub(super) members: BTreeSet<MemberCode>,
    /// With one of these labels; with any or none, if there are none.
    pub(super) labels: BTreeSet<String>,
    /// At least this sure.
    pub(super) confidence: Option<u8>,
    /// Reported since.
    pub(super) since: Option<Since>,
    /// So many, the surest.
    pub(super) limit: Option<u64>,
    /// Which so many, from 1.
    pub(super) page: u64,
}

/// Since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Since {
    /// Milliseconds since 1970 UTC.
    Time(u64),
    /// Milliseconds before the present.
    Age(u64),
}

impl Since {
    pub(super) fn at(self, now_ms: u64) -> u64 {
        match self {
            Self::Time(time) => time,
            Self::Age(age) => now_ms.saturating_sub(age),
        }
    }
}

impl Wanted {
    /// All that a reader with this ceiling may see.
    pub(crate) fn all(ceiling: Tlp) -> Self {
        Self {
            ceiling,
            kinds: BTreeSet::new(),
            members: BTreeSet::new(),
            labels: BTreeSet::new(),
            confidence: None,
            since: None,
            limit: None,
            page: 1,
        }
    }

    /// What the pairs of a query narrow it to.
    pub(crate) fn read<'a>(
        ceiling: Tlp,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, WantedFault> {
        let (mut wanted, mut seen) = (Self::all(ceiling), BTreeSet::new());
        for (name, value) in pairs {
            if !seen.insert(name) {
                return Err(fault(name, "stands there twice; separate several items by commas"));
            }
            wanted.set(name, value)?;
        }
        if seen.contains("page") && !seen.contains("limit") {
            return Err(fault("page", "needs `limit`, which says how long a page is"));
        }
        Ok(wanted)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), WantedFault> {
        match name {
            "type" => self.kinds = items(name, value)?.map(kind).collect::<Result<_, _>>()?,
            "label" => self.labels = items(name, value)?.map(str::to_owned).collect(),
            "member" => {
                let code = |code: &str| code.to_ascii_uppercase().parse();
                let codes: Result<_, _> = items(name, value)?.map(code).collect();
                self.members = codes.map_err(|_| fault(name, "is no member code, such as SG"))?;
            }
            "confidence" => {
                let number = value.parse().ok().filter(|number| *number <= 100);
                self.confidence = Some(number.ok_or_else(|| fault(name, "is no number from 0 to 100"))?);
            }
            "since" => {
                let why = "is neither an age, such as 30d, nor a day or time, such as 2026-11-01 or 2026-11-01T00:00:00Z";
                self.since = Some(since(value).ok_or_else(|| fault(name, why))?);
            }
            "limit" => self.limit = Some(number(name, value)?),
            "page" => self.page = number(name, value)?,
            _ => {
                let why = "is no filter; there are type, member, label, confidence, since, limit and page";
                return Err(fault(&safe(name, 40), why));
            }
        }
        Ok(())
    }

    /// Whether a list can hold anything of what is wanted: its kinds, and members that there are.
    pub(super) fn check(
        &self,
        feed: Option<Feed>,
        members: &BTreeSet<MemberCode>,
    ) -> Result<(), WantedFault> {
        if let Some(code) = self.members.difference(members).next() {
            let known: Vec<_> = members.iter().map(ToString::to_string).collect();
            return Err(fault(
                "member",
                &format!("has {code}, which is no member: there are {}", known.join(", ")),
            ));
        }
        let kinds = feed.map(Feed::kinds).filter(|kinds| !kinds.is_empty());
        match kinds {
            Some(kinds) if !self.kinds.is_empty() && !kinds.iter().any(|kind| self.kinds.contains(*kind)) => {
                Err(fault(
                    "type",
                    &format!("names nothing that this list holds, which is {}", kinds.join(", ")),
                ))
            }
            _ => Ok(()),
        }
    }

    /// The kinds that a list of this feed may hold then, sorted; any, if absent.
    pub(super) fn kinds_of(&self, feed: Feed) -> Option<Vec<String>> {
        let own = feed.kinds();
        match (own.is_empty(), self.kinds.is_empty()) {
            (true, true) => None,
            (true, false) => Some(self.kinds.iter().cloned().collect()),
            (false, true) => Some(own.iter().map(|kind| (*kind).to_owned()).collect()),
            (false, false) => Some(
                own.iter()
                    .filter(|kind| self.kinds.contains(**kind))
                    .map(|kind| (*kind).to_owned())
                    .collect(),
            ),
        }
    }
}

fn fault(name: &str, why: &str) -> WantedFault {
    WantedFault { name: name.to_owned(), why: why.to_owned() }
}

fn kind(text: &str) -> Result<String, WantedFault> {
    if observable::is_kind(text) {
        return Ok(text.to_owned());
    }
    let near = nearest(text, observable::known_kinds()).map(|near| format!("; did you mean {near}?"));
    Err(fault(
        "type",
        &format!("has {}, which is no kind of value{}", safe(text, 40), near.unwrap_or_default()),
    ))
}

fn items<'a>(name: &str, value: &'a str) -> Result<impl Iterator<Item = &'a str>, WantedFault> {
    let items = value.split(',').map(str::trim);
    match items.clone().count() {
        count if count > MAX_ITEMS => Err(fault(name, &format!("has more than {MAX_ITEMS} items"))),
        _ if items.clone().any(str::is_empty) => Err(fault(name, "has an empty item")),
        _ => Ok(items),
    }
}

fn number(name: &str, value: &str) -> Result<u64, WantedFault> {
    let number = value.parse().ok().filter(|number| (1..=MAX_LIMIT).contains(number));
    number.ok_or_else(|| fault(name, &format!("is no number from 1 to {MAX_LIMIT}")))
}

fn since(text: &str) -> Option<Since> {
    let age = || {
        let (name, ms) = UNITS.iter().find(|(name, _)| text.ends_with(*name))?;
        let count: u64 = text.strip_suffix(*name)?.parse().ok()?;
        count.checked_mul(*ms).map(Since::Age)
    };
    let time = || {
        let midnight = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let stamp: Option<jiff::Timestamp> = text.parse().ok();
        let stamp = stamp.or_else(|| midnight().map(|day| day.timestamp()))?;
        u64::try_from(stamp.as_millisecond()).ok().map(Since::Time)
    };
    age().or_else(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&'static str, &'static str)]) -> Result<Wanted, String> {
        Wanted::read(Tlp::Green, query.iter().copied()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn filters_are_read() {
        let wanted = read(&[
            ("type", "ipv4-addr, url"),
            ("member", "sg,MY"),
            ("label", "c2"),
            ("confidence", "70"),
            ("since", "30d"),
            ("limit", "500"),
            ("page", "2"),
        ])
        .unwrap();
        assert_eq!(wanted.members.len(), 2);
        assert_eq!((wanted.confidence, wanted.limit, wanted.page), (Some(70), Some(500), 2));
        assert_eq!(wanted.since.unwrap().at(30 * 86_400_000 + 5), 5);
        assert_eq!(wanted.kinds_of(Feed::Addresses), Some(vec!["ipv4-addr".to_owned()]));
        assert_eq!(wanted.kinds_of(Feed::Domains), Some(Vec::new()));
        assert_eq!(read(&[("since", "1970-01-01T00:00:01Z")]).unwrap().since, Some(Since::Time(1_000)));
        assert_eq!(read(&[("since", "1970-01-02")]).unwrap().since, Some(Since::Time(86_400_000)));
        let certificates = ["certificate-sha256", "certificate-sha512", "certificate-sha3-256"];
        for kind in ["file-sha256", "file-lm", "file-sha3-224", "network-traffic:dst_port", "other"]
            .into_iter()
            .chain(certificates)
        {
            assert!(read(&[("type", kind)]).is_ok(), "{kind}");
        }
    }

    #[test]
    fn what_a_list_can_not_hold_is_no_empty_list() {
        let members = BTreeSet::from(["MY".parse().unwrap(), "SG".parse().unwrap()]);
        let check = |feed, query: &[(&'static str, &'static str)]| {
            let wanted = Wanted::read(Tlp::Green, query.iter().copied()).unwrap();
            wanted.check(Some(feed), &members).map_err(|fault| fault.to_string())
        };
        assert_eq!(check(Feed::Addresses, &[("type", "ipv6-addr,url"), ("member", "my")]), Ok(()));
        assert_eq!(check(Feed::Csv, &[("type", "mutex")]), Ok(()));
        let words = "`type` names nothing that this list holds, which is ipv4-addr, ipv6-addr";
        assert_eq!(check(Feed::Addresses, &[("type", "url")]), Err(words.into()));
        let words = "`member` has XX, which is no member: there are MY, SG";
        assert_eq!(check(Feed::Csv, &[("member", "SG,XX")]), Err(words.into()));
    }

    #[test]
    fn slips_are_refused() {
        for (query, words) in [
            (&[("typ", "url")][..], "is no filter"),
            (&[("type", "url"), ("type", "x")], "twice"),
            (&[("confidence", "101")], "0 to 100"),
            (&[("confidence", "high")], "0 to 100"),
            (&[("member", "Singapore")], "member code"),
            (&[("since", "soon")], "neither"),
            (&[("since", "30")], "neither"),
            (&[("type", "domain")], "did you mean domain-name?"),
            (&[("type", "sha256")], "no kind of value"),
            (&[("type", "file-sha-256")], "did you mean file-sha256?"),
            (&[("limit", "0")], "from 1"),
            (&[("page", "2")], "needs `limit`"),
            (&[("label", "a,,b")], "empty"),
        ] {
            let fault = read(query).unwrap_err();
            assert!(fault.contains(words), "{query:?}: {fault}");
        }
    }
}
