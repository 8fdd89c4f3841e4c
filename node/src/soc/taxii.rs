//! TAXII 2.1 (OASIS, 10 June 2021): intelligence as the tools of SOCs poll it.
//!
//! The order of everything is the order of arrival here, and a page's cursor is the arrival that it ended with:
//! it holds no state, so it stays valid for ever, and nothing that arrives later is missed or comes twice.

mod collections;
mod cursor;
mod filters;
mod items;
mod negotiation;
mod objects;
mod page;
mod publish;
mod stamp;
mod statuses;

use axum::http::header::HOST;
use serde::Serialize;
use serde_json::json;

use super::answer::{Answer, TAXII, json as answer_json};
use super::document::Doc;
use super::limits::PUBLISH_BYTES;
use super::policy::{AnyTaxii, Granted};
use super::route::{Call, Route};
use collections::catalogue;
pub(super) use statuses::Statuses;

/// Where the one API root is.
const ROOT: &str = "/taxii2/mesh/";

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::get("/taxii2/", doc("Where the API root is", "Discovery"), discovery),
        Route::get("/taxii2/mesh/", doc("The API root", "ApiRoot"), root),
        Route::get("/taxii2/mesh/collections/", doc("The collections", "Collections"), all_collections),
        Route::get(
            "/taxii2/mesh/collections/{collection}/",
            of_collection(doc("One collection", "Collection")),
            one_collection,
        ),
        Route::get(
            "/taxii2/mesh/collections/{collection}/manifest/",
            paged(filtered(of_collection(doc("What a collection holds", "Manifest")))),
            objects::manifest,
        ),
        Route::get(
            "/taxii2/mesh/collections/{collection}/objects/",
            paged(filtered(of_collection(doc("Objects of a collection", "Envelope")))),
            objects::all,
        ),
        Route::get(
            "/taxii2/mesh/collections/{collection}/objects/{object}/",
            paged(of_object(doc("Versions of one object", "Envelope"))),
            objects::one,
        ),
        Route::get(
            "/taxii2/mesh/collections/{collection}/objects/{object}/versions/",
            paged(of_object(doc("The versions that there are of an object", "Versions"))),
            objects::versions,
        ),
        Route::get(
            "/taxii2/mesh/status/{status}/",
            doc("What became of a publication", "Status")
                .path("status", "Its id, from the answer to the POST."),
            publish::status,
        ),
    ];
    routes.extend(publish::routes());
    routes
}

fn doc(summary: &'static str, schema: &'static str) -> Doc {
    Doc::new(summary)
        .gives(200, TAXII, schema, "It.")
        .gives(404, TAXII, "TaxiiError", "There is none, or none that this token sees.")
        .gives(406, TAXII, "TaxiiError", "The client accepts nothing that TAXII 2.1 has.")
}

fn of_collection(doc: Doc) -> Doc {
    doc.path("collection", "Its id or its alias, such as `indicators`.")
}

fn of_object(doc: Doc) -> Doc {
    versioned(of_collection(doc)).path("object", "A STIX id.")
}

fn versioned(doc: Doc) -> Doc {
    let text = || json!({"type": "string"});
    doc.query("match[version]", "`last` (if absent), `first`, `all`, or times of modification.", text())
        .query("match[spec_version]", "`2.1`, which all objects here are.", text())
}

fn filtered(doc: Doc) -> Doc {
    let text = || json!({"type": "string"});
    versioned(doc).query("match[id]", "STIX ids, with commas between them.", text()).query(
        "match[type]",
        "STIX types, with commas between them.",
        text(),
    )
}

fn paged(doc: Doc) -> Doc {
    doc.query(
        "added_after",
        "What arrived here after this.",
        json!({"type": "string", "format": "date-time"}),
    )
    .query("limit", "At most so many.", json!({"type": "integer", "minimum": 1}))
    .query("next", "Where the page before ended: what its `next` said.", json!({"type": "string"}))
}

/// The address of the API root, as the client reaches it.
fn root_url<P>(call: &Call<P>) -> String {
    let named = call.parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
    };
    let host = named.filter(plain).unwrap_or("localhost");
    let scheme = if call.client.is_tls { "https" } else { "http" };
    let base = call.soc.url.clone().unwrap_or_else(|| format!("{scheme}://{host}"));
    format!("{base}{ROOT}")
}

/// The name of the mesh, and whether it is for real.
fn title<P>(call: &Call<P>) -> String {
    let membership = call.soc.node.membership.now();
    let name = certmesh_intel::display::safe(&membership.roster().name, 200);
    if call.soc.is_exercise() { format!("EXERCISE: {name}") } else { name }
}

#[derive(Serialize)]
struct Discovery {
    title: String,
    description: &'static str,
    default: String,
    api_roots: [String; 1],
}

async fn discovery(call: Call<Granted<AnyTaxii>>) -> Answer {
    negotiation::accepts(&call.parts.headers)?;
    let url = root_url(&call);
    let description = "Signed indicators of the national CERTs of a mesh, from this country's node";
    let body = Discovery { title: title(&call), description, default: url.clone(), api_roots: [url] };
    Ok(answer_json(&body, TAXII))
}

#[derive(Serialize)]
struct ApiRoot {
    title: String,
    description: &'static str,
    versions: [&'static str; 1],
    max_content_length: usize,
}

async fn root(call: Call<Granted<AnyTaxii>>) -> Answer {
    negotiation::accepts(&call.parts.headers)?;
    let description = "All that the mesh shares, up to the token's TLP";
    let body =
        ApiRoot { title: title(&call), description, versions: [TAXII], max_content_length: PUBLISH_BYTES };
    Ok(answer_json(&body, TAXII))
}

async fn all_collections(call: Call<Granted<AnyTaxii>>) -> Answer {
    negotiation::accepts(&call.parts.headers)?;
    let listed = catalogue(&call.soc.node.membership.now());
    let token = call.grant.token();
    let collections: Vec<_> = listed.iter().map(|one| one.resource(token)).collect();
    let body = answer_json(&json!({"collections": collections}), TAXII);
    Ok(body)
}

async fn one_collection(call: Call<Granted<AnyTaxii>>) -> Answer {
    negotiation::accepts(&call.parts.headers)?;
    let listed = collections::find(&call)?;
    Ok(answer_json(&listed.resource(call.grant.token()), TAXII))
}
