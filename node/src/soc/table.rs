//! Every route that SOC tools reach, in one table. A route has a policy by the type of its handler; there is no
//! way to put one here without.

use std::future::ready;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::answer::{Answer, JSON, Problem, json};
use super::document::{Doc, open_api};
use super::policy::Public;
use super::route::{Call, Client, Route, dialect};
use super::{Soc, check, feeds, health, stream, taxii};
use crate::exercise;

/// All of them.
pub(super) fn table() -> Vec<Route> {
    let doc = Doc::new("This document").gives(200, JSON, "Anything", "OpenAPI 3.1.");
    let mut routes = vec![Route::get("/openapi.json", doc, document)];
    routes.extend(health::routes());
    routes.extend(taxii::routes());
    routes.extend(feeds::routes());
    routes.extend(check::routes());
    routes.extend(stream::routes());
    routes
}

/// What finds a request's route.
pub(super) fn router(soc: Arc<Soc>) -> Router {
    let mut router = Router::new();
    for route in table() {
        // Each method that a route may have is one that axum knows.
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let (serve, soc) = (route.serve(), Arc::clone(&soc));
        let handler = move |request: Request| {
            let client = request.extensions().get::<Client>().copied();
            serve(Arc::clone(&soc), client.unwrap_or(Client::UNKNOWN), request)
        };
        router = router.route(route.path, on(filter, handler));
    }
    // Fast rather than small: what is sent is read at once, and most of it is text of many repetitions.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let router = router.fallback(no_such_route).method_not_allowed_fallback(other_method).layer(compression);
    router.layer(map_response(move |response: Response| ready(exercise::say(&soc.node.membership, response))))
}

async fn document(_: Call<Public>) -> Answer {
    Ok(json(&open_api(&table()), JSON))
}

async fn no_such_route(request: Request) -> Response {
    let path = request.uri().path();
    let slashless = path.trim_end_matches('/');
    static PATHS: LazyLock<Vec<&str>> = LazyLock::new(|| table().iter().map(|route| route.path).collect());
    let meant = PATHS.iter().find(|one| one.trim_end_matches('/') == slashless);
    let hint = match (meant, slashless) {
        (Some(meant), _) => format!("it is {meant}"),
        (_, path) if path.starts_with("/feeds") => {
            feeds::hint(path.trim_start_matches("/feeds").trim_start_matches('/'))
        }
        (_, path) if path.starts_with("/taxii") => {
            "TAXII's discovery is /taxii2/, its API root /taxii2/mesh/".into()
        }
        _ => "/openapi.json says what there is".into(),
    };
    Problem::absent("there is nothing at this path").hint(hint).answer(dialect(path))
}

async fn other_method(request: Request) -> Response {
    let error = format!("{} is not what this path answers", request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, error).answer(dialect(request.uri().path()))
}
