//! Values as clients send them: one a line, bare or as JSON; or a list of them in one JSON text.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Buf, BytesMut};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::answer::Problem;
use super::super::limits::{LIST_BYTES, LIST_VALUES, VALUE_BYTES};
use super::{Pieces, Upload, too_long, too_many};

/// How much of a line that is no value is told, in bytes.
const BEGINNING_BYTES: usize = 64;

/// What is said of a text that has no values.
const NO_VALUES: &str =
    "values come one a line, or as JSON: a string, {\"value\": …}, {\"values\": […]}, or a list";
/// What is said of a list while it is read.
const TOO_MANY: &str = "too many values";

/// Something to be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A value.
    Value(String),
    /// What is none: the beginning of the line, and what is wrong with it.
    Wrong(String, String),
}

/// Values that are still coming.
pub(super) struct Values {
    pieces: Pieces,
    buffer: BytesMut,
    /// Values of a list that wait for their turn.
    waiting: VecDeque<String>,
    /// Lines that were read.
    lines: u64,
    /// Inside a line that is too long, which has been told.
    is_skipping: bool,
    is_all_here: bool,
    /// Whether all of the body is one JSON text; not known until its first byte.
    is_list: Option<bool>,
}

/// A line, or all of a body, in JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    Value(String),
    Object { value: String },
    Objects { values: Vec<String> },
}

impl Values {
    pub(super) fn new(body: Upload) -> Self {
        let pieces = Pieces(body.into_body().into_data_stream());
        Self {
            pieces,
            buffer: BytesMut::new(),
            waiting: VecDeque::new(),
            lines: 0,
            is_skipping: false,
            is_all_here: false,
            is_list: None,
        }
    }

    /// The values that are here, at most about so many, and whether there may be more. Waits for the first.
    pub(super) async fn next(&mut self, most: usize) -> Result<(Vec<Line>, bool), Problem> {
        let mut values = self.waiting(most);
        while values.is_empty() {
            if !self.has_line() {
                if self.is_all_here {
                    return Ok((values, false));
                }
                self.receive().await?;
            }
            self.take_lines(most, &mut values)?;
        }
        Ok((values, true))
    }

    /// The next values of a list, at most so many.
    fn waiting(&mut self, most: usize) -> Vec<Line> {
        let most = most.min(self.waiting.len());
        self.waiting.drain(..most).map(Line::Value).collect()
    }

    fn has_line(&self) -> bool {
        let is_list = self.is_list == Some(true);
        let has_end = || self.buffer.contains(&b'\n') || self.buffer.len() > VALUE_BYTES;
        if self.is_all_here { !self.buffer.is_empty() } else { !is_list && has_end() }
    }

    async fn receive(&mut self) -> Result<(), Problem> {
        match self.pieces.next().await? {
            None => self.is_all_here = true,
            Some(piece) => self.buffer.extend_from_slice(&piece),
        }
        if self.is_list.is_none() {
            // Blanks before everything else are none of it.
            let blanks = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace());
            let (blanks, lines) = (blanks.clone().count(), blanks.filter(|byte| **byte == b'\n').count());
            self.buffer.advance(blanks);
            self.lines += lines as u64;
            self.is_list = self.buffer.first().map(|byte| *byte == b'[');
        }
        if self.is_list == Some(true) && self.buffer.len() > LIST_BYTES {
            return Err(too_many());
        }
        if self.is_skipping {
            self.skip();
        }
        Ok(())
    }

    /// Lets the rest of a line go, as far as it is here.
    fn skip(&mut self) {
        match self.buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.buffer.advance(end + 1);
                self.is_skipping = false;
            }
            None => self.buffer.clear(),
        }
    }

    fn take_lines(&mut self, most: usize, values: &mut Vec<Line>) -> Result<(), Problem> {
        if self.is_list == Some(true) {
            if self.is_all_here {
                let text = self.buffer.split();
                let List(list) = serde_json::from_slice(&text).map_err(|fault| match fault.is_data() {
                    true if fault.to_string().starts_with(TOO_MANY) => too_many(),
                    _ => Problem::bad(NO_VALUES),
                })?;
                if list.iter().any(|value| value.len() > VALUE_BYTES) {
                    return Err(too_long());
                }
                self.waiting = list;
                values.extend(self.waiting(most));
            }
            return Ok(());
        }
        while values.len() < most {
            let end = self.buffer.iter().position(|byte| *byte == b'\n');
            let line = match end {
                Some(end) => {
                    let line = self.buffer.split_to(end);
                    self.buffer.advance(1);
                    line
                }
                None if self.is_all_here && !self.buffer.is_empty() => self.buffer.split(),
                None if self.buffer.len() > VALUE_BYTES => {
                    self.is_skipping = true;
                    self.lines += 1;
                    values.push(too_long_a_line(&self.buffer.split(), self.lines));
                    continue;
                }
                None => return Ok(()),
            };
            self.lines += 1;
            read_line(&line, self.lines, values);
        }
        Ok(())
    }
}

/// One line that is wrong is answered as such, and hinders nobody else's.
fn read_line(line: &[u8], number: u64, values: &mut Vec<Line>) {
    // As it came, so that it is the same line however the network has cut it.
    if line.len() > VALUE_BYTES {
        values.push(too_long_a_line(line, number));
        return;
    }
    let line = line.trim_ascii();
    match line.first() {
        None => {}
        Some(b'"' | b'{') => match read_json(line) {
            Ok(all) => values.extend(all.into_iter().map(Line::Value)),
            Err(why) => values.push(wrong(line, number, why)),
        },
        // What is not UTF-8 is a value that nobody knows.
        Some(_) => values.push(Line::Value(String::from_utf8_lossy(line).into_owned())),
    }
}

fn wrong(line: &[u8], number: u64, why: &str) -> Line {
    let beginning = &line[..line.len().min(BEGINNING_BYTES)];
    Line::Wrong(String::from_utf8_lossy(beginning).into_owned(), format!("line {number}: {why}"))
}

fn too_long_a_line(line: &[u8], number: u64) -> Line {
    wrong(line, number, &format!("it is longer than {VALUE_BYTES} bytes"))
}

fn read_json(line: &[u8]) -> Result<Vec<String>, &'static str> {
    Ok(match serde_json::from_slice(line).map_err(|_| NO_VALUES)? {
        Json::Value(value) | Json::Object { value } => vec![value],
        Json::Objects { values } => values,
    })
}

/// A list of values, as many as are read from one text.
struct List(VecDeque<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Listing)
    }
}

struct Listing;

impl<'de> Visitor<'de> for Listing {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    /// Ends where it is too long: what is in memory costs more than its text.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
        let mut list = VecDeque::new();
        while let Some(value) = items.next_element()? {
            if list.len() == LIST_VALUES {
                return Err(de::Error::custom(TOO_MANY));
            }
            list.push_back(value);
        }
        Ok(List(list))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;

    use super::*;

    async fn read(pieces: &[&str]) -> Result<Vec<Line>, StatusCode> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, std::io::Error>(piece.to_string())).collect();
        let body = Body::from_stream(futures::stream::iter(pieces));
        let (mut values, mut all) = (Values::new(Upload::new(body)), Vec::new());
        loop {
            let (some, more) = values.next(2).await.map_err(|problem| problem.status())?;
            all.extend(some);
            if !more {
                return Ok(all);
            }
        }
    }

    #[tokio::test]
    async fn reads_every_form_however_it_is_cut() {
        let expected = ["a.example", "192.0.2.1", "c"].map(|value| Line::Value(value.into()));
        for pieces in [
            &["a.example\n192.0.2.1\nc\n"][..],
            &["a.example\r\n\n  192.0.2.1 \n", "c"],
            &["a.exa", "mple\n192.0.2.1", "\nc"],
            &["\"a.example\"\n{\"value\":\"192.0.2.1\"}\nc\n"],
            &["[\"a.example\",", "\"192.0.2.1\",\"c\"]"],
            &[" \n[\"a.example\",\n\"192.0.2.1\",\n\"c\"]\n"],
            &["{\"values\":[\"a.example\",\"192.0.2.1\",\"c\"]}"],
        ] {
            assert_eq!(read(pieces).await.unwrap(), expected, "{pieces:?}");
        }
        assert_eq!(read(&[]).await.unwrap(), Vec::<Line>::new());
        assert_eq!(read(&["\n\n"]).await.unwrap(), Vec::<Line>::new());
    }

    /// The numbers of the lines that are wrong, and the values of the others.
    async fn told(pieces: &[&str]) -> (Vec<String>, Vec<String>) {
        let (mut wrong, mut values) = (Vec::new(), Vec::new());
        for line in read(pieces).await.unwrap() {
            match line {
                Line::Value(value) => values.push(value),
                Line::Wrong(beginning, why) => {
                    assert!(beginning.len() <= BEGINNING_BYTES);
                    wrong.push(why.split(':').next().unwrap().to_owned());
                }
            }
        }
        (wrong, values)
    }

    #[tokio::test]
    async fn a_line_that_is_no_value_is_named_and_hinders_no_other_however_it_is_cut() {
        let long = "a".repeat(3 * VALUE_BYTES);
        let body =
            format!("a.example\n{{\"x\":1}}\n\n\"open\n\"{long}\"\nb.example\n{long}\nc.example\n{long}");
        let lines = ["line 2", "line 4", "line 5", "line 7", "line 9"].map(str::to_owned).to_vec();
        let values = ["a.example", "b.example", "c.example"].map(str::to_owned).to_vec();
        for cut in [1, 7, 1_000, VALUE_BYTES - 1, VALUE_BYTES + 1, body.len()] {
            let pieces: Vec<_> =
                (0..body.len()).step_by(cut).map(|at| &body[at..body.len().min(at + cut)]).collect();
            assert_eq!(told(&pieces).await, (lines.clone(), values.clone()), "{cut}");
        }
    }

    #[tokio::test]
    async fn blanks_count_the_same_however_they_are_cut() {
        let blanks = " ".repeat(3 * VALUE_BYTES);
        let body = format!(
            "\n {blanks}\nz.example\na.example{blanks}\nb.example{blanks}x\n{blanks}c.example\n {blanks}\nd.example"
        );
        let lines = ["line 4", "line 5", "line 6", "line 7"].map(str::to_owned).to_vec();
        let list = format!("{blanks}\n[\"a.example\"]");
        let cut = |text: &str, size: usize| -> Vec<String> {
            text.as_bytes().chunks(size).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
        };
        for size in [1, 1_000, VALUE_BYTES + 1, body.len()] {
            let pieces = cut(&body, size);
            let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
            let values = ["z.example", "d.example"].map(str::to_owned).to_vec();
            assert_eq!(told(&pieces).await, (lines.clone(), values), "{size}");
            let pieces = cut(&list, size);
            let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
            assert_eq!(told(&pieces).await, (vec![], vec!["a.example".to_owned()]), "{size}");
        }
    }

    #[tokio::test]
    async fn a_list_that_is_none_is_refused() {
        let many = format!("[{}\"\"]", "\"\",".repeat(LIST_VALUES));
        let long = format!("[\"{}\"]", "a".repeat(VALUE_BYTES + 1));
        for (text, status) in [("[1]", 400), ("[\"a\"", 400), (&many, 413), (&long, 413)] {
            assert_eq!(read(&[text]).await.unwrap_err().as_u16(), status);
        }
    }
}
