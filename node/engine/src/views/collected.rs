//! Collections of objects in the order of arrival, as SOC tools page through them.

use certmesh_intel::Object;
use certmesh_wire::MemberCode;

use super::plain;
use super::reader::Reader;
use crate::layout::{self, StoredObject};
use crate::store::{Store, StoreError};

/// A kind of objects that SOC tools ask for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectFamily {
    /// Indicators.
    Indicators,
    /// Cyber observables and observed data.
    Observables,
    /// Sightings.
    Sightings,
    /// Relationships.
    Relationships,
    /// Malware, tools, attack patterns, campaigns, actors, intrusion sets, infrastructure, vulnerabilities,
    /// courses of action and incidents.
    Threats,
    /// Reports, groupings, notes and opinions.
    Reports,
    /// Whatever else there is: identities, locations, markings, custom objects.
    Other,
}

impl ObjectFamily {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Indicators,
        Self::Observables,
        Self::Sightings,
        Self::Relationships,
        Self::Threats,
        Self::Reports,
        Self::Other,
    ];

    /// The family of a STIX type.
    pub fn of(object_type: &str) -> Self {
        match object_type {
            "indicator" => Self::Indicators,
            "sighting" => Self::Sightings,
            "relationship" => Self::Relationships,
            "malware" | "malware-analysis" | "tool" | "attack-pattern" | "campaign" | "threat-actor"
            | "intrusion-set" | "infrastructure" | "vulnerability" | "course-of-action" | "incident" => {
                Self::Threats
            }
            "report" | "grouping" | "note" | "opinion" => Self::Reports,
            "artifact"
            | "autonomous-system"
            | "directory"
            | "domain-name"
            | "email-addr"
            | "email-message"
            | "file"
            | "ipv4-addr"
            | "ipv6-addr"
            | "mac-addr"
            | "mutex"
            | "network-traffic"
            | "process"
            | "software"
            | "url"
            | "user-account"
            | "windows-registry-key"
            | "x509-certificate"
            | "observed-data" => Self::Observables,
            _ => Self::Other,
        }
    }
}

/// Which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// All of them.
    All,
    /// Those of one family.
    Family(ObjectFamily),
    /// Those that one member publishes.
    Member(MemberCode),
}

/// Which versions of each object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Versions {
    /// The newest, unless it has expired; also the one that revokes the object.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
    /// Those that were modified, or else created, at one of these times, microseconds since 1970 UTC.
    At(Vec<i64>),
    /// All.
    All,
}

/// What else is asked of them; conditions combine with AND, the items of one with OR.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Which versions.
    pub versions: Versions,
    /// STIX ids; any, if there are none.
    pub ids: Vec<String>,
    /// STIX types; any, if there are none.
    pub types: Vec<String>,
}

/// A page of a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// In the order of arrival. Within a member's collection an object stands where it came to be that member's:
    /// `arrival` says where.
    pub objects: Vec<StoredObject>,
    /// Whether there is more.
    pub more: bool,
    /// Where to go on: what the next page comes after. A page may be empty and have more after it, where the
    /// selection passes over much.
    pub next: u64,
}

/// One page of a collection: what arrived after `after`, at most `limit` objects.
///
/// Whoever reads on from `next` misses nothing and sees nothing twice, for ever.
pub fn collected(
    store: &dyn Store,
    reader: &Reader,
    collection: &Collection,
    selection: &Selection,
    after: u64,
    limit: usize,
) -> Result<Collected, StoreError> {
    let mut page = Collected { next: after, ..Collected::default() };
    plain::each(store, after, |stored| {
        let Ok(object) = Object::read(&stored.json) else { return Ok(true) };
        let belongs = match collection {
            Collection::All => true,
            Collection::Family(family) => ObjectFamily::of(object.object_type()) == *family,
            Collection::Member(code) => {
                layout::publishers(store, stored.arrival)?.iter().any(|publisher| publisher.member == *code)
            }
        };
        let versions = match &selection.versions {
            Versions::Newest => {
                !reader.has_expired(plain::valid_until_ms(&object)) && plain::is_newest(store, &stored)?
            }
            Versions::Oldest => is_oldest(store, &stored, object.modified())?,
            Versions::At(times) => object.modified().is_some_and(|modified| times.contains(&modified)),
            Versions::All => true,
        };
        let (ids, types) = (&selection.ids, &selection.types);
        let selected = (ids.is_empty() || ids.contains(&stored.id))
            && (types.is_empty() || types.iter().any(|wanted| wanted == object.object_type()));
        if belongs && versions && selected && stored.tlp <= reader.ceiling {
            page.more = page.objects.len() == limit;
            if page.more {
                return Ok(false);
            }
            page.objects.push(stored.clone());
        }
        page.next = stored.arrival;
        Ok(true)
    })?;
    Ok(page)
}

fn is_oldest(store: &dyn Store, stored: &StoredObject, modified: Option<i64>) -> Result<bool, StoreError> {
    let mut oldest = true;
    plain::each(store, 0, |other| {
        let theirs = Object::read(&other.json).ok().and_then(|object| object.modified());
        oldest &= other.id != stored.id || theirs >= modified;
        Ok(oldest)
    })?;
    Ok(oldest)
}
