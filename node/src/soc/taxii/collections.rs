//! The collections: everything, each family of objects, each member's own. Their ids are made from the mesh id, so
//! they are the same on every node and after every restart, and another mesh's are others.

use certmesh_engine::tokens::{Scope, Token};
use certmesh_engine::{Collection, Membership, ObjectFamily};
use certmesh_intel::display::safe;
use certmesh_wire::{MeshId, sha256};
use serde::Serialize;

use super::super::answer::Problem;
use super::super::policy::{For, Granted};
use super::super::route::Call;

/// Beside the mesh id and the alias, what an id is made from.
const TAG: &[u8] = b"certmesh/taxii/collection/1";

/// A collection with what is said of it.
pub(super) struct Listed {
    pub(super) collection: Collection,
    pub(super) id: String,
    alias: String,
    title: String,
    description: String,
}

/// TAXII 2.1, section 5.2.
#[derive(Serialize)]
pub(super) struct Resource<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    alias: &'a str,
    can_read: bool,
    can_write: bool,
    media_types: [&'static str; 1],
}

impl Listed {
    /// The collection as this token finds it.
    pub(super) fn resource(&self, token: &Token) -> Resource<'_> {
        Resource {
            id: &self.id,
            title: &self.title,
            description: &self.description,
            alias: &self.alias,
            can_read: token.may(Scope::Taxii),
            can_write: self.takes_objects() && token.may(Scope::Publish),
            media_types: ["application/stix+json;version=2.1"],
        }
    }

    /// Whether objects are published here. Where else they then stand follows from what they are.
    pub(super) fn takes_objects(&self) -> bool {
        self.collection == Collection::All
    }
}

/// All collections of a mesh.
pub(super) fn catalogue(membership: &Membership) -> Vec<Listed> {
    let (mesh, roster) = (membership.mesh(), membership.roster());
    let real = if roster.exercise { "EXERCISE: " } else { "" };
    let unreal = if roster.exercise { " EXERCISE: nothing in it is real." } else { "" };
    let listed = |collection, alias: String, title: &str, description: &str| Listed {
        collection,
        id: id(mesh, &alias),
        alias,
        title: format!("{real}{title}"),
        description: format!("{description}{unreal}"),
    };
    let everything = "Every object that the mesh shares, up to the token's TLP, in the order of arrival.";
    let mut all = vec![listed(Collection::All, "all".into(), "Everything", everything)];
    for family in ObjectFamily::ALL {
        let (alias, title, description) = words(family);
        all.push(listed(Collection::Family(family), alias.into(), title, description));
    }
    for member in &roster.members {
        let cert = safe(&member.cert, 100);
        let alias = format!("member-{}", member.code.to_string().to_ascii_lowercase());
        let title = format!("Published by {cert} ({})", member.code);
        let description = format!("What {cert} has published itself.");
        all.push(listed(Collection::Member(member.code), alias, &title, &description));
    }
    all
}

fn words(family: ObjectFamily) -> (&'static str, &'static str, &'static str) {
    match family {
        ObjectFamily::Indicators => {
            ("indicators", "Indicators", "What to look for: patterns, each until it expires.")
        }
        ObjectFamily::Observables => {
            ("observables", "Observables", "Addresses, domains, files and other things observed.")
        }
        ObjectFamily::Sightings => ("sightings", "Sightings", "Where something was seen."),
        ObjectFamily::Relationships => ("relationships", "Relationships", "What belongs to what."),
        ObjectFamily::Threats => (
            "threats",
            "Threats",
            "Malware, tools, actors, campaigns, infrastructure, vulnerabilities, incidents.",
        ),
        ObjectFamily::Reports => ("reports", "Reports", "Reports, groupings, notes, opinions."),
        ObjectFamily::Other => ("other", "Other objects", "Identities, locations, markings, custom objects."),
    }
}

/// A UUID of version 4's shape, which TAXII asks for (section 1.6.4), from a hash.
fn id(mesh: MeshId, alias: &str) -> String {
    let hash = sha256(&[TAG, &mesh.0, alias.as_bytes()]);
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid(bytes)
}

/// These bytes as a UUID of version 4 (RFC 9562, section 5.4), but for the bits that say so.
pub(super) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The collection that the path names.
pub(super) fn find<S: For>(call: &Call<Granted<S>>) -> Result<Listed, Problem> {
    let named = call.path("collection").to_ascii_lowercase();
    let mut all = catalogue(&call.soc.node.membership.now()).into_iter();
    all.find(|one| one.id == named || one.alias == named).ok_or_else(|| {
        Problem::absent("there is no such collection").hint("/taxii2/mesh/collections/ lists them")
    })
}
