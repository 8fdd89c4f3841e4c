//! Objects of a collection, what it holds, one object, and its versions.

use certmesh_engine::StoredObject;
use certmesh_intel::Object;

use super::super::answer::{Answer, Problem};
use super::super::policy::{Granted, Taxii};
use super::super::route::Call;
use super::collections::{self, Listed};
use super::filters::Asked;
use super::items::Kind;
use super::page;
use super::{negotiation, stamp};

/// The texts of the objects as they were published.
const OBJECTS: Kind =
    Kind { name: "objects", write: |object, text| text.extend_from_slice(object.json.as_bytes()) };

const MANIFEST: Kind = Kind { name: "objects", write: entry };

const VERSIONS: Kind = Kind {
    name: "versions",
    write: |object, text| text.extend_from_slice(format!("\"{}\"", version(object)).as_bytes()),
};

pub(super) async fn all(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    page::answer(&call, listed.collection, asked, OBJECTS).await
}

pub(super) async fn manifest(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    page::answer(&call, listed.collection, asked, MANIFEST).await
}

pub(super) async fn one(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    let asked = asked.of_object(call.path("object"));
    page::answer(&call, listed.collection, asked, OBJECTS).await
}

pub(super) async fn versions(call: Call<Granted<Taxii>>) -> Answer {
    let (listed, asked) = asked(&call)?;
    let asked = asked.of_object(call.path("object")).of_all_versions();
    page::answer(&call, listed.collection, asked, VERSIONS).await
}

fn asked(call: &Call<Granted<Taxii>>) -> Result<(Listed, Asked), Problem> {
    negotiation::accepts(&call.parts.headers)?;
    Ok((collections::find(call)?, Asked::read(&call.query())?))
}

/// What a manifest says of an object.
fn entry(object: &StoredObject<&str>, text: &mut Vec<u8>) {
    let entry = format!(
        r#"{{"id":"{}","date_added":"{}","version":"{}","media_type":"application/stix+json;version=2.1"}}"#,
        object.id,
        stamp::of_ms(object.arrival),
        version(object)
    );
    text.extend_from_slice(entry.as_bytes());
}

/// When this version was modified, or else created; of an object that says neither, when it was added.
fn version(object: &StoredObject<&str>) -> String {
    let modified = Object::read(object.json).ok().and_then(|read| read.modified());
    modified.map_or_else(|| stamp::of_ms(object.arrival), stamp::of_version)
}
