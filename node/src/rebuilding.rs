//! What a start does with the index before the node answers: it rebuilds one of another layout, or that is not whole,
//! and fills the filter of known values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use certmesh_engine::store::{Store, StoreError};
use certmesh_engine::{KnownValues, Membership, Steps, commit, rebuild, rebuild_anew, rebuild_is_due};

use crate::clock::now_ms;

/// How often a rebuild says how far it is.
const TOLD: Duration = Duration::from_secs(5);

/// Rebuilds the index from the logs if it has to be. A process that ends meanwhile loses nothing: the next start goes on.
pub(crate) async fn rebuild_if_due(
    store: Arc<dyn Store>,
    membership: Arc<Membership>,
) -> Result<(), StoreError> {
    if !rebuild_is_due(&*store)? {
        return Ok(());
    }
    tracing::warn!(
        "the index of the store is of another version or not whole: it is rebuilt from the logs before the node is up"
    );
    let work = move || {
        let (started, mut told) = (Instant::now(), Instant::now());
        let mut tell = |rebuilt: certmesh_engine::Rebuilt| {
            if told.elapsed() >= TOLD {
                told = Instant::now();
                tracing::info!(step = rebuilt.phase, of = 4, done = rebuilt.done, "{}", rebuilt.words);
            }
        };
        let rebuilt = rebuild(&*store, &membership, now_ms(), &mut tell);
        if let Err(error) = &rebuilt
            && error.is_of_the_index()
        {
            tracing::error!("what was rebuilt of the index before is damaged ({error}): it is begun anew");
            let mut steps = Steps::default();
            rebuild_anew(&mut steps);
            commit(&*store, steps)?;
            rebuild(&*store, &membership, now_ms(), &mut tell)?;
        } else {
            rebuilt?;
        }
        tracing::info!(seconds = started.elapsed().as_secs(), "the index is rebuilt");
        Ok(())
    };
    let stopped = |_| StoreError { doing: "rebuilding the index", cause: "the node is stopping".into() };
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}

/// Fills the filter while the node is up; until it is full, questions look into the store.
pub(crate) fn fill(known: Arc<KnownValues>, store: Arc<dyn Store>) {
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        match known.fill(&*store) {
            Ok(()) => tracing::debug!(
                bytes = known.bytes(),
                ms = started.elapsed().as_millis(),
                "known values are in memory"
            ),
            Err(error) => {
                tracing::error!(%error, "questions on unknown values will be slow: the filter could not be filled")
            }
        }
    });
}
