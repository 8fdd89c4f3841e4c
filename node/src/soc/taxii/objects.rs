//! Objects of a collection, what it holds, one object, and its versions.

use certmesh_engine::StoredObject;
use certmesh_intel::Object;

use super::super::answer::{Answer, Problem};
use super::super::policy::{Granted, Taxii};
use super::super::route::Call;
use super::collections::{self, Listed};
use super::filters::Asked;
use super::page::{self, Page};
use super::{negotiation, stamp};

pub(super) async fn all(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    page::answer(&call, listed.collection, asked, envelope).await
}

pub(super) async fn manifest(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    page::answer(&call, listed.collection, asked, |page, next| {
        let entries = page.objects.iter().map(|object| {
            format!(
                r#"{{"id":"{}","date_added":"{}","version":"{}","media_type":"application/stix+json;version=2.1"}}"#,
                object.id,
                stamp::of_ms(object.arrival),
                version(object)
            )
        });
        list("objects", 0, entries, page.more, next)
    })
    .await
}

pub(super) async fn one(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    let asked = asked.of_object(call.path("object"));
    page::answer(&call, listed.collection, asked, envelope).await
}

pub(super) async fn versions(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    let asked = asked.of_object(call.path("object")).of_all_versions();
    page::answer(&call, listed.collection, asked, |page, next| {
        let versions = page.objects.iter().map(|object| format!("\"{}\"", version(object)));
        list("versions", 0, versions, page.more, next)
    })
    .await
}

fn asked(call: &Call<Granted<Taxii>>) -> Result<(Listed, Asked), Problem> {
    negotiation::accepts(&call.parts.headers)?;
    Ok((collections::find(call)?, Asked::read(&call.query())?))
}

/// The texts of the objects as they were published, in one JSON text.
fn envelope(page: &Page, next: Option<String>) -> Vec<u8> {
    // As long as it will be: a page is large enough that growing it would copy it over and over.
    let len = page.objects.iter().map(|object| object.json.len() + 1).sum();
    list("objects", len, page.objects.iter().map(|object| object.json.as_str()), page.more, next)
}

/// `{"more": …, "next": …, "<name>": […]}`. A cursor is plain ASCII without quotes.
fn list<T: AsRef<str>>(
    name: &str,
    len: usize,
    items: impl Iterator<Item = T>,
    more: bool,
    next: Option<String>,
) -> Vec<u8> {
    let next = next.map(|next| format!(r#""next":"{next}","#)).unwrap_or_default();
    let mut text = format!(r#"{{"more":{more},{next}"{name}":["#).into_bytes();
    text.reserve(len + 2);
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(item.as_ref().as_bytes());
    }
    text.extend_from_slice(b"]}");
    text
}

/// When this version was modified, or else created; of an object that says neither, when it was added.
fn version(object: &StoredObject) -> String {
    let modified = Object::read(&object.json).ok().and_then(|read| read.modified());
    modified.map_or_else(|| stamp::of_ms(object.arrival), stamp::of_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_json_text() {
        let text = |items: &[&str], next: Option<&str>| {
            let bytes = list("objects", 0, items.iter(), next.is_some(), next.map(str::to_owned));
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(text(&[], None), r#"{"more":false,"objects":[]}"#);
        assert_eq!(
            text(&["{}", "{ \"a\":\n1}"], Some("5")),
            "{\"more\":true,\"next\":\"5\",\"objects\":[{},{ \"a\":\n1}]}"
        );
    }
}
