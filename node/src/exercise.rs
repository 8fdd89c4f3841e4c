//! That nothing in an exercise is real: said with every answer, to operators and SOC tools alike.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::standing::Standing;

const EXERCISE: HeaderName = HeaderName::from_static(certmesh_api::EXERCISE);

/// The same answer; of an exercise, it says so.
pub(crate) fn say(standing: &Standing, mut response: Response) -> Response {
    if standing.now().roster().exercise {
        response.headers_mut().insert(EXERCISE, HeaderValue::from_static("true"));
    }
    response
}
