//! What SOC tools do here, in figures: counted as it happens, shown with the node's own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use certmesh_engine::tokens::{Scope, Tokens};

use crate::metrics::Page;

/// Upper bounds of the times that answers are sorted by, seconds.
const BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    inner: Mutex<Inner>,
    /// Connections that are open.
    pub(super) connections: AtomicU64,
    /// Those that were cut, since they waited longest when there were too many, or took too long.
    pub(super) cut: AtomicU64,
    /// Those that were turned away, since all others were busy.
    pub(super) turned_away: AtomicU64,
    /// Streams that are open.
    pub(super) streams: AtomicU64,
    /// Objects given out, by any way.
    pub(super) objects: AtomicU64,
    /// Values checked.
    pub(super) checked: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    answers: BTreeMap<(&'static str, u16), u64>,
    times: BTreeMap<&'static str, Times>,
    refused: u64,
    reads: BTreeMap<String, u64>,
    /// Addresses at which SOC tools should find this node and do not, and why.
    silent_at: BTreeMap<SocketAddr, String>,
    /// Where they find it.
    served_at: Vec<String>,
}

#[derive(Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Figures {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answered(&self, scope: Option<Scope>, status: StatusCode, took: Duration) {
        let scope = scope.map_or("public", Scope::word);
        let mut inner = self.lock();
        *inner.answers.entry((scope, status.as_u16())).or_default() += 1;
        let times = inner.times.entry(scope).or_default();
        let seconds = took.as_secs_f64();
        for (count, _) in times.buckets.iter_mut().zip(BUCKETS).filter(|(_, bound)| seconds <= *bound) {
            *count += 1;
        }
        times.count += 1;
        times.seconds += seconds;
    }

    /// A token was used.
    pub(super) fn read(&self, token: &str) {
        let mut inner = self.lock();
        match inner.reads.get_mut(token) {
            Some(reads) => *reads += 1,
            None => drop(inner.reads.insert(token.to_owned(), 1)),
        }
    }

    /// Counts a request that no token opened; how many there have been.
    pub(super) fn refused_so_far(&self) -> u64 {
        let mut inner = self.lock();
        inner.refused += 1;
        inner.refused
    }

    /// SOC tools can't be listened for at this address, or can again; whether that is news.
    pub(super) fn cannot_listen(&self, address: SocketAddr, cause: Option<String>) -> bool {
        let mut inner = self.lock();
        match cause {
            Some(cause) => inner.silent_at.insert(address, cause).is_none(),
            None => inner.silent_at.remove(&address).is_some(),
        }
    }

    /// The addresses at which SOC tools should find this node and do not, and why.
    pub(crate) fn silent_at(&self) -> Vec<(SocketAddr, String)> {
        self.lock().silent_at.clone().into_iter().collect()
    }

    /// SOC tools find this node at this URL from now on.
    pub(super) fn serves(&self, url: String) {
        self.lock().served_at.push(url);
    }

    /// The URLs at which they find it.
    pub(crate) fn served_at(&self) -> Vec<String> {
        self.lock().served_at.clone()
    }

    /// Writes them, those of the tokens that there are among them.
    pub(crate) fn write(&self, tokens: &Tokens, page: &mut Page) {
        let gauges: [(&str, &str, &AtomicU64); 2] = [
            ("certmesh_soc_connections", "Connections of SOC tools.", &self.connections),
            ("certmesh_soc_streams", "Event streams that are open.", &self.streams),
        ];
        for (name, help, value) in gauges {
            page.one(name, "gauge", help, value.load(Relaxed));
        }
        let counters: [(&str, &str, &AtomicU64); 4] = [
            ("certmesh_soc_cut_total", "Connections cut: too many waited, or too long.", &self.cut),
            ("certmesh_soc_turned_away_total", "Connections refused: all were busy.", &self.turned_away),
            ("certmesh_soc_objects_total", "Objects given to SOC tools.", &self.objects),
            ("certmesh_soc_values_checked_total", "Values that SOC tools asked about.", &self.checked),
        ];
        for (name, help, value) in counters {
            page.one(name, "counter", help, value.load(Relaxed));
        }
        self.write_answers(page);
        self.write_tokens(tokens, page);
    }

    fn write_answers(&self, page: &mut Page) {
        let inner = self.lock();
        let help = "Requests that no token opened.";
        page.one("certmesh_soc_unauthorized_total", "counter", help, inner.refused);
        page.head("certmesh_soc_answers_total", "counter", "Answers to SOC tools, by what they were for.");
        for ((scope, status), count) in &inner.answers {
            page.line("certmesh_soc_answers_total", &[("scope", scope), ("status", status)], count);
        }
        let name = "certmesh_soc_answer_seconds";
        page.head(name, "histogram", "Time until an answer began.");
        for (scope, times) in &inner.times {
            for (bound, count) in BUCKETS.iter().zip(times.buckets) {
                page.line(&format!("{name}_bucket"), &[("scope", scope), ("le", bound)], count);
            }
            page.line(&format!("{name}_bucket"), &[("scope", scope), ("le", &"+Inf")], times.count);
            page.line(&format!("{name}_sum"), &[("scope", scope)], times.seconds);
            page.line(&format!("{name}_count"), &[("scope", scope)], times.count);
        }
    }

    fn write_tokens(&self, tokens: &Tokens, page: &mut Page) {
        let tokens = tokens.all();
        let mut inner = self.lock();
        // Names come and go with their tokens.
        inner.reads.retain(|name, _| tokens.iter().any(|token| token.terms.name == *name));
        page.head("certmesh_soc_token_requests_total", "counter", "Requests with each token.");
        for token in &tokens {
            let requests = inner.reads.get(&token.terms.name).copied().unwrap_or_default();
            page.line("certmesh_soc_token_requests_total", &[("token", &token.terms.name)], requests);
        }
        let help = "When each token expires, seconds since 1970 UTC.";
        page.head("certmesh_soc_token_expires_seconds", "gauge", help);
        // One that has expired is told of until it is revoked: some tool may still use it.
        for token in &tokens {
            let expires = token.terms.expires_ms / 1_000;
            page.line("certmesh_soc_token_expires_seconds", &[("token", &token.terms.name)], expires);
        }
    }
}
