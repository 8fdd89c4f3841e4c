//! A SOC tool by hand: HTTP/1.1 over TCP, byte by byte, so that a test sees what a tool would see and can send what
//! no tool would.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::de::DeserializeOwned;

use crate::node::Node;
use crate::patience::PATIENCE;
use crate::program::Outcome;

/// The Python that `scripts/setup --test` equips with the libraries of `tests/requirements.txt`.
const PYTHON: &str = "CERTMESH_PYTHON";

/// A tool that knows a node's address, and has a token.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Host and port.
    pub address: String,
    /// What it sends as a bearer token; nothing, if empty.
    pub token: String,
}

/// What a node answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// By name, in lower case; several of one name joined by commas.
    pub headers: BTreeMap<String, String>,
    /// What came after them.
    pub body: Vec<u8>,
}

impl Node {
    /// A tool with the token that `scripts/mesh` made: it reads up to TLP:AMBER.
    pub fn tool(&self) -> Tool {
        Tool { address: self.soc_address(), token: self.soc_token().to_owned() }
    }

    /// A tool with a token of its own, made with these words.
    #[track_caller]
    pub fn tool_with(&self, words: &[&str]) -> Tool {
        let made: serde_json::Value = self.run(["token", "create", "--json"].iter().chain(words)).json();
        Tool { address: self.soc_address(), token: made["token"].as_str().unwrap().to_owned() }
    }

    fn soc_address(&self) -> String {
        self.soc_url().strip_prefix("http://").expect("scripts/mesh sets up no TLS").to_owned()
    }
}

impl Tool {
    /// The same tool, with another token.
    pub fn with(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Asks for a path.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    /// Sends a request by this method, with these headers besides its own.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.try_ask(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// The same, where there may be nobody to answer.
    pub fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let mut stream = self.connect()?;
        stream.write_all(&self.head(method, path, headers, body.len()))?;
        stream.write_all(body)?;
        Reply::read(&mut BufReader::new(stream), method == "HEAD")
    }

    /// A connection on which nothing was said.
    pub fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// A connection that is kept for many requests.
    pub fn keep(&self) -> std::io::Result<Kept> {
        Ok(Kept { tool: self.clone(), reader: BufReader::with_capacity(256 * 1024, self.connect()?) })
    }

    /// The head of a request that ends its connection.
    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], body_len: usize) -> Vec<u8> {
        let close = [headers, &[("connection", "close")]].concat();
        self.kept_head(method, path, &close, body_len)
    }

    fn kept_head(&self, method: &str, path: &str, headers: &[(&str, &str)], body_len: usize) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        let has = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if !self.token.is_empty() && !has("authorization") {
            head += &format!("authorization: Bearer {}\r\n", self.token);
        }
        if body_len > 0 {
            head += &format!("content-length: {body_len}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }

    /// Begins to follow an event stream; gives what comes after the head, line by line, until it ends.
    #[track_caller]
    pub fn follow(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let mut stream = self.connect().unwrap();
        stream.write_all(&self.head("GET", path, headers, 0)).unwrap();
        let mut reader = BufReader::new(stream);
        let (status, headers) = read_head(&mut reader).unwrap();
        assert_eq!(status, 200, "{path}: {headers:?}");
        Events { chunks: Chunks { reader, left: 0 }, line: Vec::new() }
    }
}

/// A connection for many requests, one after another.
pub struct Kept {
    tool: Tool,
    reader: BufReader<TcpStream>,
}

impl Kept {
    /// Asks for a path.
    pub fn get(&mut self, path: &str) -> std::io::Result<Reply> {
        self.ask("GET", path, b"")
    }

    /// Sends a request by this method.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> std::io::Result<Reply> {
        let head = self.tool.kept_head(method, path, &[], body.len());
        let mut writer = self.reader.get_ref().try_clone()?;
        writer.write_all(&head)?;
        if !body.is_empty() {
            // What is answered while it is still asked must be read meanwhile.
            let body = body.to_vec();
            let writing = std::thread::spawn(move || writer.write_all(&body));
            let reply = Reply::read(&mut self.reader, method == "HEAD");
            let _ = writing.join();
            return reply;
        }
        Reply::read(&mut self.reader, method == "HEAD")
    }
}

/// An event stream, as it comes.
pub struct Events {
    chunks: Chunks<BufReader<TcpStream>>,
    line: Vec<u8>,
}

impl Events {
    /// The next event that holds an object: its id and its data. Nothing, if the stream has ended.
    ///
    /// # Panics
    /// After [`PATIENCE`], however alive the stream is.
    #[track_caller]
    pub fn next_object(&mut self) -> Option<(u64, serde_json::Value)> {
        let (mut id, mut data, begun) = (None, None, Instant::now());
        loop {
            let line = self.next_line()?;
            assert!(begun.elapsed() < PATIENCE, "the stream brings nothing");
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().ok();
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).ok();
            } else if line.is_empty()
                && let (Some(id), Some(data)) = (id, data.take())
            {
                return Some((id, data));
            }
        }
    }

    /// The next line; nothing, if the stream has ended, in order or not.
    pub fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.line.drain(..=end).collect();
                return String::from_utf8(line).ok().map(|line| line.trim_end_matches('\n').to_owned());
            }
            let mut piece = [0; 4_096];
            match self.chunks.read(&mut piece) {
                Ok(read) if read > 0 => self.line.extend_from_slice(&piece[..read]),
                _ => return None,
            }
        }
    }
}

impl Reply {
    /// Reads one from a connection; without content, if its request was a HEAD.
    pub fn read(reader: &mut BufReader<TcpStream>, is_head: bool) -> std::io::Result<Self> {
        let (status, headers) = read_head(reader)?;
        let mut body = Vec::new();
        let has_content = !is_head && status != 304 && status != 204;
        if has_content && headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
            Chunks { reader, left: 0 }.read_to_end(&mut body)?;
        } else if has_content {
            let len = headers.get("content-length").and_then(|len| len.parse().ok());
            match len {
                Some(len) => drop(reader.take(len).read_to_end(&mut body)?),
                None => drop(reader.read_to_end(&mut body)?),
            }
        }
        Ok(Self { status, headers, body })
    }

    /// A header's value; empty, if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The content as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("nodes answer in UTF-8")
    }

    /// The content as JSON.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    /// The same, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.text(), self.header("content-type"));
        self
    }
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<(u16, BTreeMap<String, String>)> {
    let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| broken(&format!("no status line: {line:?}")))?;
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok((status, headers)) };
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        headers
            .entry(name)
            .and_modify(|before| *before = format!("{before}, {value}"))
            .or_insert_with(|| value.to_owned());
    }
}

/// What chunked transfer coding (RFC 9112, section 7.1) wraps.
struct Chunks<R> {
    reader: R,
    left: usize,
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut size = String::new();
            self.reader.read_line(&mut size)?;
            self.left = usize::from_str_radix(size.trim(), 16)
                .map_err(|_| std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "no chunk"))?;
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = self.left.min(buffer.len());
        let read = self.reader.read(&mut buffer[..most])?;
        self.left -= read;
        if self.left == 0 {
            self.reader.read_line(&mut String::new())?;
        }
        Ok(read)
    }
}

/// A program of `tests/soc`, in Python: real clients, as SOCs run them.
pub fn python(script: &str) -> Command {
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
        panic!("{PYTHON} is not set: run scripts/test, or eval \"$(scripts/setup --test)\" first")
    });
    let mut command = Command::new(python);
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("soc").join(script));
    command
}

/// Runs a program of `tests/soc` to its end; what it printed.
#[track_caller]
pub fn run_python(script: &str, words: &[&str]) -> String {
    Outcome::of(python(script).args(words)).done()
}
