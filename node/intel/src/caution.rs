//! What publishing would harm: blocking lists are made of what is published, so that an indicator for a public resolver
//! or a private network takes down whoever trusts it.
//!
//! The check is for whoever publishes; nothing that arrives is refused for it, and the lists that a node serves hold back
//! what [`crate::allow`] says. The names below are a short list of what whole countries use every day, not a ranking.

mod well_known;

use std::sync::LazyLock;

use crate::allow::{AllowList, HeldBack};
use crate::display::safe;
use crate::normal::{Host, Network, url};
use crate::object::Object;
use crate::observable::{self, Observable};
use well_known::{COMMON_FILES, EMPTY_FILE, MAILBOXES, POPULAR, RESOLVERS, SHARED};

/// Networks with a shorter prefix are more than one organisation's.
const SHORTEST_IPV4: u8 = 16;
const SHORTEST_IPV6: u8 = 32;
/// Resolvers, read once.
static RESOLVING: LazyLock<Vec<Network>> =
    LazyLock::new(|| RESOLVERS.iter().filter_map(|text| Network::parse(text)).collect());
/// How much of a value is shown, in characters.
const MAX_SHOWN: usize = 120;

/// What speaks against publishing one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caution {
    /// The value, safe to show.
    pub value: String,
    /// What speaks against it, as a sentence that begins with "it".
    pub why: String,
    /// How much that is.
    pub weight: Weight,
}

/// How much speaks against publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth a second look.
    Remark,
    /// Others would be harmed: not without a reason that is kept.
    Harm,
}

/// What speaks against publishing an object, with the publisher's own networks and names: of an indicator, what its
/// pattern names by itself. Conditions among several, and indicators that are revoked or say that they are benign, harm
/// nobody.
#[must_use]
pub fn of(object: &Object<'_>, own: &AllowList) -> Vec<Caution> {
    let benign = object.indicator_types().iter().any(|name| name == "benign");
    if object.object_type() != "indicator" || object.is_revoked() || benign {
        return Vec::new();
    }
    let mentions = observable::of(object).into_iter().filter(|mention| !mention.partial);
    mentions.filter_map(|mention| about(&mention.observable, own)).collect()
}

/// What speaks against publishing a value.
#[must_use]
pub fn about(observable: &Observable, own: &AllowList) -> Option<Caution> {
    let harm = harm(observable, own).map(|why| (why, Weight::Harm));
    let (why, weight) = harm.or_else(|| remark(observable).map(|why| (why.to_owned(), Weight::Remark)))?;
    Some(Caution { value: safe(&observable.value, MAX_SHOWN), why, weight })
}

fn harm(observable: &Observable, own: &AllowList) -> Option<String> {
    let (kind, value) = (observable.kind.as_ref(), observable.value.as_str());
    match own.holds_back(kind, value) {
        Some(HeldBack::Allowed(entry)) => return Some(format!("it is among your own ({entry})")),
        Some(HeldBack::Never(why)) => return Some(why.to_owned()),
        None => {}
    }
    let why = match kind {
        "ipv4-addr" | "ipv6-addr" => of_network(Network::parse(value)?),
        "domain-name" => of_name(value),
        "url" => return of_url(value, own),
        "file-name" | "process-name" => COMMON_FILES
            .contains(&value.to_ascii_lowercase().as_str())
            .then_some("countless good files have this name"),
        _ => EMPTY_FILE.contains(&value).then_some("it is the hash of an empty file"),
    };
    why.map(str::to_owned)
}

fn of_network(network: Network) -> Option<&'static str> {
    let shortest = if network.is_ipv4() { SHORTEST_IPV4 } else { SHORTEST_IPV6 };
    if network.prefix_len() < shortest {
        return Some("it is a network of more than one organisation");
    }
    RESOLVING.iter().any(|one| network.overlaps(*one)).then_some("it is, or holds, a public resolver")
}

fn of_name(name: &str) -> Option<&'static str> {
    let bare = name.strip_prefix("www.").unwrap_or(name);
    if POPULAR.contains(&bare) {
        return Some("it is one of the most visited sites");
    }
    SHARED.contains(&bare).then_some("countless others have their sites or names below it")
}

/// A URL harms by its host if it says nothing more than that; a page on a good site can be bad. Hosts that only some
/// machine itself can mean are no use in any case.
fn of_url(url: &str, own: &AllowList) -> Option<String> {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
    let says_more = path.is_some_and(|path| !path.trim_start_matches(['?', '#', '/']).is_empty());
    match url::host_of(url)? {
        Host::Name(name) => of_name(&name).filter(|_| !says_more).map(str::to_owned),
        Host::Network(network) if !says_more && of_network(network).is_some() => {
            of_network(network).map(str::to_owned)
        }
        Host::Network(network) => match own.holds_back("ipv4-addr", &network.text()) {
            Some(HeldBack::Never(why)) => Some(format!("its host is of no use to others: {why}")),
            _ => None,
        },
    }
}

fn remark(observable: &Observable) -> Option<&'static str> {
    let (kind, value) = (observable.kind.as_ref(), observable.value.as_str());
    let of_a_person = match kind {
        "email-addr" => MAILBOXES.contains(&value.rsplit_once('@').map_or("", |(_, host)| host)),
        "user-account" => true,
        _ => false,
    };
    of_a_person.then_some("it may be a person's: personal data needs a reason to be shared")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::{Weight, about, of};
    use crate::allow::AllowList;
    use crate::object::Object;
    use crate::recognise::recognise;

    fn weight(value: &str) -> Option<Weight> {
        let own = AllowList::read("198.51.100.0/24\ncert.example").unwrap();
        about(&recognise(value).unwrap().observable(), &own).map(|caution| caution.weight)
    }

    #[test]
    fn what_harms_is_told_from_what_does_not() {
        for value in [
            "10.1.2.3",
            "127.0.0.1",
            "192.168.0.0/24",
            "fe80::1",
            "224.0.0.1",
            "8.8.8.8",
            "8.8.8.0/24",
            "1.1.1.1",
            "2001:4860:4860::8888",
            "203.0.0.0/12",
            "2001:db8::/20",
            "198.51.100.7",
            "www.cert.example",
            "google.com",
            "www.Google.com",
            "co.id",
            "github.io",
            "printer.local",
            "http://google.com/",
            "http://google.com",
            "https://google.com/?",
            "http://8.8.8.8/",
            "http://co.uk/",
            "http://printer.local/status",
            "http://127.0.0.1/x",
            "http://cert.example/",
            "d41d8cd98f00b204e9800998ecf8427e",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "file-name:SVCHOST.exe",
            "process-name:explorer.exe",
        ] {
            assert_eq!(weight(value), Some(Weight::Harm), "{value}");
        }
        for value in ["joe@gmail.com", "user-account:joe"] {
            assert_eq!(weight(value), Some(Weight::Remark), "{value}");
        }
        for value in [
            "203.0.113.7",
            "203.0.113.0/24",
            "2001:db8::/32",
            "8.8.9.8",
            "evil.example",
            "login.google.com",
            "evil.github.io",
            "notgoogle.com",
            "http://google.com/evil",
            "http://evil.example/",
            "http://8.8.8.8/dropper.exe",
            "joe@evil.example",
            "evil.exe",
            "d41d8cd98f00b204e9800998ecf8427f",
            "AS15169",
            "CVE-2021-44228",
        ] {
            assert_eq!(weight(value), None, "{value}");
        }
    }

    #[test]
    fn indicators_answer_for_what_they_name_by_themselves() {
        let cautions = |pattern: &str, more: Value| {
            let mut object = json!({"type": "indicator", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
                "pattern": pattern, "pattern_type": "stix"});
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let cautions = of(&Object::read(&object.to_string()).unwrap(), &AllowList::default());
            cautions
                .into_iter()
                .map(|caution| format!("{}: {}", caution.value, caution.why))
                .collect::<Vec<_>>()
        };
        let resolver = "[ipv4-addr:value = '8.8.8.8']";
        assert_eq!(cautions(resolver, json!({})), ["8.8.8.8: it is, or holds, a public resolver"]);
        assert_eq!(
            cautions("[ipv4-addr:value IN ('8.8.8.8', '10.0.0.1', '203.0.113.7')]", json!({})).len(),
            2
        );
        assert!(
            cautions("[ipv4-addr:value = '8.8.8.8' AND domain-name:value = 'evil.example']", json!({}))
                .is_empty()
        );
        assert!(cautions(resolver, json!({"revoked": true})).is_empty());
        assert!(cautions(resolver, json!({"indicator_types": ["benign"]})).is_empty());
        assert!(cautions(resolver, json!({"pattern_type": "yara"})).is_empty());
    }
}
