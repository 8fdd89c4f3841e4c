//! `GET /v1/feeds/{name}`: the lists that SOC tools get, for `certmesh feed`.

use axum::body::Body;
use axum::extract::{Path, Query as AxumQuery, State as AxumState};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use certmesh_intel::Tlp;
use certmesh_intel::display::safe;

use super::State;
use super::answers::Failure;
use crate::feeds::{FeedFault, Name};

/// The longest name of a list that an error quotes, in characters.
const QUOTED: usize = 80;

pub(super) async fn feed(
    AxumState(state): AxumState<State>,
    Path(name): Path<String>,
    AxumQuery(pairs): AxumQuery<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let list = Name::read(&name).ok_or_else(|| {
        Failure::refused(
            format!("there is no list {}", safe(&name, QUOTED)),
            Some("`certmesh feed` tells which there are"),
        )
    })?;
    let (mut ceiling, mut exercise, mut filters) = (Tlp::Green, false, Vec::new());
    for (name, value) in &pairs {
        match name.as_str() {
            "ceiling" => ceiling = value.parse().map_err(|fault| Failure::refused(fault, None))?,
            "exercise" => exercise = value == "true",
            name => filters.push((name, value.as_str())),
        }
    }
    if state.membership.now().roster().exercise && !exercise {
        return Err(Failure::refused(
            "this mesh is an EXERCISE: nothing in its lists is real, and firewalls would act on it",
            Some("add --exercise if the tool that reads the list takes part in the exercise"),
        ));
    }
    let wanted =
        state.feeds.wanted(&list, ceiling, filters).map_err(|fault| Failure::refused(fault, None))?;
    let made = state.feeds.list(list.clone(), wanted, None).await.map_err(|fault| match fault {
        FeedFault::NoSuchEvent | FeedFault::Ended | FeedFault::Slow | FeedFault::Outrun => {
            Failure::refused(fault, None)
        }
        FeedFault::Busy => Failure::refused(fault, Some("ask again in a minute, or for less of it")),
        FeedFault::Store(error) => error.into(),
    })?;
    let headers = made.headers();
    let names = [(CONTENT_TYPE, list.media_type().to_owned()), (ETAG, format!("\"{}\"", made.tag))];
    Ok((names, headers, Body::from_stream(made.body())).into_response())
}
