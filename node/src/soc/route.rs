//! A route: where it is, what it asks for, what it does, and what the OpenAPI document says of it. All routes stand
//! in one table; the router and the document are both made from it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::RequestPartsExt;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use certmesh_engine::tokens::{Scope, Token};
use certmesh_intel::display::safe;
use certmesh_intel::near::nearest;
use futures::future::BoxFuture;

use super::Soc;
use super::answer::{Answer, Dialect, Problem};
use super::body::Upload;
use super::document::Doc;
use super::hold;
use super::policy::Policy;

/// Who asks: how the connection sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    pub(super) is_tls: bool,
}

impl Client {
    /// For requests that came by no connection: of tests.
    pub(super) const UNKNOWN: Self =
        Self { address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), is_tls: false };
}

/// One request that its route's policy has let in.
pub(super) struct Call<P> {
    pub(super) grant: P,
    pub(super) soc: Arc<Soc>,
    pub(super) client: Client,
    pub(super) parts: Parts,
    pub(super) body: Upload,
    path: Vec<(String, String)>,
}

impl<P> Call<P> {
    /// What stands in the path in place of `{name}`.
    pub(super) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// The pairs of the query, decoded, in their order.
    pub(super) fn query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
    }
}

type Serve = dyn Fn(Arc<Soc>, Client, Request) -> BoxFuture<'static, Response> + Send + Sync;

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) scope: Option<Scope>,
    pub(super) doc: Doc,
    serve: Arc<Serve>,
}

impl Route {
    /// Answers GET and HEAD.
    pub(super) fn get<P, F>(
        path: &'static str,
        doc: Doc,
        handle: impl Fn(Call<P>) -> F + Send + Sync + Clone + 'static,
    ) -> Self
    where
        P: Policy,
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::new(Method::GET, path, doc, handle)
    }

    /// The route whose handler asks for `P`.
    pub(super) fn new<P, F>(
        method: Method,
        path: &'static str,
        doc: Doc,
        handle: impl Fn(Call<P>) -> F + Send + Sync + Clone + 'static,
    ) -> Self
    where
        P: Policy,
        F: Future<Output = Answer> + Send + 'static,
    {
        let names: Arc<[_]> = doc.query_names().into();
        let serve = move |soc: Arc<Soc>, client: Client, request: Request| {
            let handle = handle.clone();
            let serving = serve::<P, F>(soc, client, request, (dialect(path), Arc::clone(&names)), handle);
            Box::pin(serving) as BoxFuture<'static, Response>
        };
        Self { method, path, scope: P::SCOPE, doc, serve: Arc::new(serve) }
    }

    /// What does it.
    pub(super) fn serve(&self) -> Arc<Serve> {
        Arc::clone(&self.serve)
    }
}

/// The words in which what lies below a path says that something went wrong.
pub(super) fn dialect(path: &str) -> Dialect {
    if path.starts_with("/taxii2/") { Dialect::Taxii } else { Dialect::Plain }
}

async fn serve<P: Policy, F: Future<Output = Answer>>(
    soc: Arc<Soc>,
    client: Client,
    request: Request,
    (dialect, names): (Dialect, Arc<[&'static str]>),
    handle: impl Fn(Call<P>) -> F,
) -> Response {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let line = (parts.method.clone(), parts.uri.path().to_owned());
    let admitted = P::admit(&soc, client.address, &parts.headers);
    let token = admitted.as_ref().ok().and_then(|grant| grant.token().cloned());
    let answer = match admitted {
        Ok(grant) => match understood(&parts, dialect, &names) {
            Ok(()) => answer(&soc, client, parts, body, grant, handle).await,
            Err(problem) => Err(problem),
        },
        Err(problem) => Err(problem),
    };
    let response = answer.unwrap_or_else(|problem| problem.answer(dialect));
    note::<P>(&soc, client, token.as_deref(), &line, response.status(), begun);
    response
}

/// Whether the names of a query's pairs are those that a route has: a slip in a filter would let everything through.
/// TAXII's clients may add pairs of their own, which mean nothing, unless they look like one that does.
fn understood(parts: &Parts, dialect: Dialect, names: &[&'static str]) -> Result<(), Problem> {
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    if names.is_empty() {
        return Ok(());
    }
    for (name, _) in query.filter(|(name, _)| !names.contains(&&**name)) {
        let match_of = names.iter().find(|known| **known == format!("match[{name}]")).copied();
        let near = match_of.or_else(|| nearest(&name, names.iter().copied()));
        // Other filters have an answer of their own.
        if dialect == Dialect::Taxii && (near.is_none() || name.starts_with("match[")) {
            continue;
        }
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(Problem::bad(format!("`{}` is no parameter of this path{near}", safe(&name, 40)))
            .hint(format!("there are {}", names.join(", "))));
    }
    Ok(())
}

async fn answer<P: Policy, F: Future<Output = Answer>>(
    soc: &Arc<Soc>,
    client: Client,
    mut parts: Parts,
    body: Body,
    grant: P,
    handle: impl Fn(Call<P>) -> F,
) -> Answer {
    let place = match grant.token() {
        Some(token) => Some(soc.shares.enter(token.id)?),
        None => None,
    };
    let params = parts.extract::<RawPathParams>().await;
    let params = params.map_err(|_| Problem::bad("the path is not UTF-8"))?;
    let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let call = Call { grant, soc: Arc::clone(soc), client, parts, body: Upload::new(body), path };
    Ok(hold::until_sent(handle(call).await?, place))
}

/// Who read what is in the log, by the token's name; what was asked in a query is not, since it may be what a SOC
/// is looking for.
fn note<P: Policy>(
    soc: &Soc,
    client: Client,
    token: Option<&Token>,
    (method, path): &(Method, String),
    status: StatusCode,
    begun: Instant,
) {
    let took = begun.elapsed();
    soc.figures.answered(P::SCOPE, status, took);
    let (from, status, ms) = (client.address, status.as_u16(), took.as_millis() as u64);
    let path: String = path.chars().take(200).collect();
    match token {
        Some(token) => {
            soc.figures.read(&token.terms.name);
            tracing::info!(token = token.terms.name, %from, status, ms, "{method} {path}");
        }
        None if P::SCOPE.is_some() => {
            let refused = soc.figures.refused_so_far();
            // Ever more rarely, if it goes on.
            if refused.is_power_of_two() {
                tracing::warn!(%from, status, refused, "{method} {path}: without a token that opens it");
            }
        }
        None => tracing::debug!(%from, status, ms, "{method} {path}"),
    }
}
