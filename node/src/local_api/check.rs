//! `POST /v1/check`: values by the million, lines in and lines out while they are still coming.
//!
//! A portion of lines is answered on a thread that may block, and the next one is read when its answer has been taken: a
//! slow client costs a portion of memory and no thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::BodyDataStream;
use axum::extract::{Request, State as AxumState};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use certmesh_api::{CheckHit, Checked};
use certmesh_engine::store::{Readable, Store, StoreError};
use certmesh_engine::{Answer, Hit, KnownValues, Reader};
use certmesh_intel::Question;
use certmesh_wire::MemberCode;
use futures::stream::{self, Stream, StreamExt};

use super::State;
use super::streams::lines;
use crate::clock::{now_ms, rfc3339};

/// Values that are read together, in bytes.
const PORTION_BYTES: usize = 64 * 1024;
/// The longest value in bytes. No real one comes near.
const VALUE_BYTES: usize = 16 * 1024;
/// How much of a value that is too long is told, in bytes.
const BEGINNING_BYTES: usize = 64;
/// An answer is handed on when it has grown beyond this.
const ANSWER_BYTES: usize = 256 * 1024;

/// Values in, answers out; an operator sees everything.
pub(super) async fn check(AxumState(state): AxumState<State>, request: Request) -> Response {
    let is_exercise = state.membership.now().roster().exercise;
    let asking = Asking { store: state.store.clone(), known: state.known.clone(), is_exercise };
    lines(answers(asking, request.into_body().into_data_stream()))
}

/// What is known.
#[derive(Clone)]
struct Asking {
    store: Arc<dyn Store>,
    known: Arc<KnownValues>,
    is_exercise: bool,
}

/// Why an answer ends too soon.
#[derive(Debug, thiserror::Error)]
enum CheckFault {
    /// The values stopped coming.
    #[error("the request broke off: {0}")]
    Request(axum::Error),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The answers, a line of JSON for each line of the request that isn't empty, in their order.
fn answers(asking: Asking, request: BodyDataStream) -> impl Stream<Item = Result<Bytes, CheckFault>> + Send {
    let start = (asking, Lines::of(request), Portion::default());
    stream::try_unfold(start, |(asking, mut lines, mut portion)| async move {
        if portion.is_empty() {
            match lines.next().await? {
                Some(next) => portion = next,
                None => return Ok(None),
            }
        }
        let stopped = |_| StoreError { doing: "reading", cause: "the node is stopping".into() };
        let work = tokio::task::spawn_blocking(move || {
            let text = asking.store.frozen(|store| asking.answer(store, &mut portion));
            text.map(|text| (text, asking, portion))
        });
        let (text, asking, portion) = work.await.map_err(stopped)??;
        Ok(Some((text, (asking, lines, portion))))
    })
}

/// The request's lines, as they come.
struct Lines {
    request: BodyDataStream,
    buffer: BytesMut,
    /// Inside a line that is too long, of which the beginning has been handed on.
    skipping: bool,
    ended: bool,
}

/// Whole lines, or the beginning of one that is too long.
#[derive(Default)]
struct Portion {
    lines: Bytes,
    too_long: bool,
}

impl Portion {
    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl Lines {
    fn of(request: BodyDataStream) -> Self {
        Self { request, buffer: BytesMut::new(), skipping: false, ended: false }
    }

    async fn next(&mut self) -> Result<Option<Portion>, CheckFault> {
        loop {
            self.skip();
            if self.buffer.len() >= PORTION_BYTES || self.ended {
                return Ok(self.take());
            }
            match self.request.next().await {
                Some(piece) => self.buffer.extend_from_slice(&piece.map_err(CheckFault::Request)?),
                None => self.ended = true,
            }
            // Whoever sends a few lines and waits is answered at once.
            if !self.skipping && self.buffer.ends_with(b"\n") {
                return Ok(self.take());
            }
        }
    }

    /// Drops the rest of a line that is too long.
    fn skip(&mut self) {
        if self.skipping {
            match self.buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let _ = self.buffer.split_to(end + 1);
                    self.skipping = false;
                }
                None => self.buffer.clear(),
            }
        }
    }

    fn take(&mut self) -> Option<Portion> {
        let whole = match self.buffer.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.buffer.len() > VALUE_BYTES => {
                self.skipping = !self.ended;
                let lines = self.buffer.split_to(BEGINNING_BYTES).freeze();
                self.buffer.clear();
                return Some(Portion { lines, too_long: true });
            }
            None => self.buffer.len(),
        };
        let lines = self.buffer.split_to(whole).freeze();
        (!lines.is_empty()).then_some(Portion { lines, too_long: false })
    }
}

impl Asking {
    /// The answers for as many of the portion's lines as fit.
    fn answer(&self, store: &dyn Readable, portion: &mut Portion) -> Result<Bytes, StoreError> {
        let reader = Reader::operator(now_ms());
        let mut text = Vec::new();
        while !portion.is_empty() && text.len() < ANSWER_BYTES {
            let end = portion.lines.iter().position(|byte| *byte == b'\n').unwrap_or(portion.lines.len());
            let line = portion.lines.split_to(end);
            let _ = portion.lines.split_to(portion.lines.len().min(1));
            let line = line.trim_ascii();
            if !line.is_empty() {
                self.answer_line(store, &reader, line, portion.too_long, &mut text)?;
            }
        }
        Ok(text.into())
    }

    fn answer_line(
        &self,
        store: &dyn Readable,
        reader: &Reader,
        line: &[u8],
        too_long: bool,
        text: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let too_long = too_long || line.len() > VALUE_BYTES;
        let line = match std::str::from_utf8(line) {
            _ if too_long => not_looked_up(line, &format!("it is longer than {VALUE_BYTES} bytes")),
            Err(_) => not_looked_up(line, "it is no UTF-8"),
            Ok(value) => {
                let question = Question::read(value);
                checked(value, certmesh_engine::check(store, &self.known, reader, &question)?)
            }
        };
        let line = Checked { exercise: self.is_exercise, ..line };
        // It holds nothing that JSON can't, and memory doesn't fail to be written.
        let _ = serde_json::to_writer(&mut *text, &line);
        text.push(b'\n');
        Ok(())
    }
}

fn not_looked_up(line: &[u8], why: &str) -> Checked {
    let beginning = &line[..line.len().min(BEGINNING_BYTES)];
    let value = String::from_utf8_lossy(beginning).into_owned();
    Checked { error: Some(why.to_owned()), ..checked(&value, Answer::default()) }
}

fn checked(value: &str, answer: Answer) -> Checked {
    Checked {
        value: value.to_owned(),
        known: answer.is_known(),
        hits: answer.hits.into_iter().map(hit).collect(),
        confirmed_by: answer.confirmed_by,
        sightings: by_member(answer.sightings),
        false_positives: by_member(answer.false_positives),
        capped: answer.capped,
        exercise: false,
        error: None,
    }
}

fn by_member(counts: BTreeMap<MemberCode, u64>) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(member, times)| (member.to_string(), times)).collect()
}

fn hit(hit: Hit) -> CheckHit {
    let object = hit.object;
    let members: Vec<_> = object.members.iter().map(ToString::to_string).collect();
    CheckHit {
        how: hit.how.word().to_owned(),
        member: members.first().cloned().unwrap_or_default(),
        members,
        tlp: object.tlp.to_string(),
        confidence: object.confidence,
        first_seen: object.first_seen_ms.map(rfc3339),
        object_id: object.id,
        kind: hit.kind,
        value: hit.value,
        partial: hit.partial,
        valid_until: object.valid_until_ms.map(rfc3339),
        arrival: object.arrival,
        name: object.name,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use certmesh_engine::store::MemoryStore;

    use super::*;

    /// The answers to a request that comes in pieces of this size.
    fn ask(request: &[u8], piece: usize) -> Vec<Checked> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let asking = Asking { store, known: Arc::default(), is_exercise: false };
        let pieces: Vec<_> =
            request.chunks(piece).map(Bytes::copy_from_slice).map(Ok::<_, CheckFault>).collect();
        let body = Body::from_stream(stream::iter(pieces)).into_data_stream();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answers: Vec<_> = runtime.block_on(answers(asking, body).collect());
        let text: Vec<u8> = answers.into_iter().flat_map(Result::unwrap).collect();
        text.split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn every_line_gets_an_answer_in_its_place() {
        let request = b"a.example\r\n\n  b.example \n1.2.3.4\nlast";
        for piece in [1, 3, 7, 1_000] {
            let values: Vec<_> = ask(request, piece).into_iter().map(|checked| checked.value).collect();
            assert_eq!(values, ["a.example", "b.example", "1.2.3.4", "last"], "pieces of {piece}");
        }
        assert!(ask(b"", 1).is_empty() && ask(b"\n\n \n", 1).is_empty());
    }

    #[test]
    fn more_than_a_portion_comes_through_whole() {
        let values: Vec<_> = (0..50_000).map(|n| format!("n{n}.example")).collect();
        let answers = ask(values.join("\n").as_bytes(), 10_000);
        assert!(answers.iter().map(|checked| &checked.value).eq(&values));
    }

    #[test]
    fn what_is_no_value_is_said_and_the_next_one_is_looked_up() {
        for piece in [1_000, 100_000, 1_000_000] {
            let long = vec![b'x'; 300_000];
            let request = [b"a\n\xff\xfe\n", &long[..], b"\nb\n", &long, b"\nc"].concat();
            let answers = ask(&request, piece);
            let errors: Vec<_> = answers.iter().map(|checked| checked.error.is_some()).collect();
            assert_eq!(errors, [false, true, true, false, true, false], "pieces of {piece}");
            assert!(answers.iter().all(|checked| checked.value.len() <= BEGINNING_BYTES));
        }
    }
}
