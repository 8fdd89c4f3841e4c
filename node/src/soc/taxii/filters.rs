//! What a request chooses: TAXII 2.1's URL filters (section 3.4), and where its page begins.

use axum::http::StatusCode;
use certmesh_engine::limits::COLLECTED_OBJECTS;
use certmesh_engine::{Selection, Versions};

use super::super::answer::Problem;
use super::super::limits::FILTER_BYTES;
use super::cursor::Cursor;
use super::stamp;

/// A request for a page, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The first arrivals are beyond this one.
    pub(super) after: u64,
    pub(super) limit: usize,
    /// Each chooses some; an object stands in the page once, if any of them chooses it.
    pub(super) selections: Vec<Selection>,
    /// What the cursor of the page takes along.
    pub(super) filters: Vec<(String, String)>,
    /// The one object that this is about: the collection has to hold it.
    pub(super) object: Option<String>,
}

impl Asked {
    /// Reads a query. Pairs that TAXII does not know mean nothing.
    pub(super) fn read(query: &[(String, String)]) -> Result<Self, Problem> {
        let one =
            |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let cursor =
            one("next").map(|text| Cursor::read(text).ok_or_else(|| wrong("next", "no `next` of this node")));
        let cursor = cursor.transpose()?;
        let added = one("added_after").map(|text| {
            let micros = stamp::micros(text).ok_or_else(|| {
                wrong("added_after", "no time of RFC 3339, such as 2026-11-27T02:00:00.123000Z")
            });
            micros.map(stamp::arrival_until)
        });
        let added = added.transpose()?.unwrap_or(0);
        let limit = match one("limit") {
            None => COLLECTED_OBJECTS,
            Some(text) => limit(text)?,
        };
        let own: Vec<_> = query.iter().filter(|(name, _)| name.starts_with("match[")).cloned().collect();
        let from_cursor = cursor.as_ref().map(|cursor| cursor.filters.clone()).unwrap_or_default();
        let filters = if own.is_empty() { from_cursor } else { own };
        if filters.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > FILTER_BYTES {
            return Err(Problem::bad(format!("filters of more than {FILTER_BYTES} bytes"))
                .hint("ask for fewer ids at once"));
        }
        // A walk may be resumed by `next` while `added_after` has gone on: the later of the two counts.
        let after = cursor.map_or(0, |cursor| cursor.after).max(added);
        Ok(Self { after, limit, selections: selections(&filters)?, filters, object: None })
    }

    /// The same of one object alone.
    pub(super) fn of_object(mut self, id: &str) -> Self {
        for selection in &mut self.selections {
            selection.ids = vec![id.to_owned()];
        }
        self.object = Some(id.to_owned());
        self
    }

    /// The same of all versions.
    pub(super) fn of_all_versions(mut self) -> Self {
        self.selections.truncate(1);
        for selection in &mut self.selections {
            selection.versions = Versions::All;
        }
        self
    }

    /// Where the page after one that ends here begins.
    pub(super) fn next(&self, after: u64) -> String {
        Cursor { after, filters: self.filters.clone() }.text()
    }
}

fn wrong(name: &str, why: &str) -> Problem {
    Problem::bad(format!("`{name}` is {why}"))
}

/// However many are asked for, a page has a size.
fn limit(text: &str) -> Result<usize, Problem> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<usize>().unwrap_or(usize::MAX);
    if !is_number || number == 0 {
        return Err(wrong("limit", "no number from 1 up"));
    }
    Ok(number.min(COLLECTED_OBJECTS))
}

/// None at all, if nothing here can fit.
fn selections(filters: &[(String, String)]) -> Result<Vec<Selection>, Problem> {
    let mut selection = Selection::default();
    let mut versions = vec![Versions::Newest];
    for (name, value) in filters {
        let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
        match name.as_str() {
            "match[id]" => selection.ids.extend(items.map(str::to_owned)),
            "match[type]" => selection.types.extend(items.map(str::to_owned)),
            "match[version]" => versions = self::versions(items)?,
            "match[spec_version]" => {
                let items: Vec<_> = items.collect();
                if !items.is_empty() && !items.contains(&"2.1") {
                    return Ok(Vec::new());
                }
            }
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    format!("this node can't filter by {shown:?}"),
                )
                .hint("it knows match[id], match[type], match[version] and match[spec_version]"));
            }
        }
    }
    Ok(versions.into_iter().map(|versions| Selection { versions, ..selection.clone() }).collect())
}

fn versions<'a>(items: impl Iterator<Item = &'a str>) -> Result<Vec<Versions>, Problem> {
    let (mut versions, mut times) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            "all" => return Ok(vec![Versions::All]),
            "last" if versions.contains(&Versions::Newest) => {}
            "first" if versions.contains(&Versions::Oldest) => {}
            "last" => versions.push(Versions::Newest),
            "first" => versions.push(Versions::Oldest),
            time => {
                let micros = stamp::micros(time);
                times.push(
                    micros.ok_or_else(|| wrong("match[version]", "no `last`, `first`, `all` or time"))?,
                );
            }
        }
    }
    if !times.is_empty() {
        versions.push(Versions::At(times));
    }
    Ok(if versions.is_empty() { vec![Versions::Newest] } else { versions })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Asked, StatusCode> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Asked::read(&pairs).map_err(|problem| problem.status())
    }

    #[test]
    fn next_stands_alone_and_never_goes_back() {
        let first = asked("match[type]=indicator,malware&match[id]=a&limit=10").unwrap();
        let next = first.next(500);
        let second = asked(&format!("next={next}&limit=7")).unwrap();
        assert_eq!((second.after, second.limit), (500, 7));
        assert_eq!(second.selections, first.selections);
        let resent =
            asked(&format!("next={next}&added_after=1970-01-01T00:00:00.700Z&match[type]=tool")).unwrap();
        assert_eq!((resent.after, &*resent.selections[0].types), (700, &["tool".to_owned()][..]));
        let kept = asked(&format!("next={next}&added_after=1970-01-01T00:00:00.300Z")).unwrap();
        assert_eq!(kept.after, 500);
    }

    #[test]
    fn versions_combine() {
        let versions = |query: &str| {
            let asked = asked(query).unwrap();
            asked.selections.into_iter().map(|selection| selection.versions).collect::<Vec<_>>()
        };
        assert_eq!(versions(""), [Versions::Newest]);
        assert_eq!(versions("match[version]="), [Versions::Newest]);
        assert_eq!(versions("match[version]=all,first"), [Versions::All]);
        let both = versions("match[version]=first,1970-01-01T00:00:01Z,last,1970-01-01T00:00:02.5Z");
        assert_eq!(both, [Versions::Oldest, Versions::Newest, Versions::At(vec![1_000_000, 2_500_000])]);
        assert_eq!(versions("match[spec_version]=2.0"), []);
        assert_eq!(versions("match[spec_version]=2.0,2.1"), [Versions::Newest]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            "limit=0",
            "limit=-1",
            "limit=x",
            "limit=",
            "next=x",
            "next=",
            "added_after=now",
            "match[version]=newest",
            "match[confidence]=90",
            &format!("match[id]={}", "a".repeat(FILTER_BYTES)),
        ] {
            assert_eq!(asked(wrong), Err(StatusCode::BAD_REQUEST), "{wrong}");
        }
        assert_eq!(asked("limit=99999999999999999999999").unwrap().limit, COLLECTED_OBJECTS);
        assert!(asked("unknown=1").is_ok());
    }
}
