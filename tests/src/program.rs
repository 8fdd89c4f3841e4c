//! The built programs, as a person at a terminal meets them: words in; stdout, stderr and an exit
//! code out.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::de::DeserializeOwned;

/// A built program of the workspace, ready to be given arguments.
///
/// # Panics
/// If it isn't built.
#[track_caller]
pub fn program(name: &str) -> Command {
    Command::new(built(name))
}

/// Runs the operators' command, without stdin.
pub fn certmesh<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Outcome {
    let mut command = program("certmesh");
    command.args(words).stdin(Stdio::null()).env_remove("CERTMESH_NODE");
    Outcome::of(&mut command)
}

/// Tells a script to use the programs that this one was built with.
pub fn with_target_dir(script: &mut Command) -> &mut Command {
    let debug = built("certmesh");
    let target = debug.ancestors().nth(2).unwrap();
    script.env("CARGO_TARGET_DIR", target)
}

/// Tests run from `deps/`, beside which cargo puts the programs; the benchmark is beside them itself.
#[track_caller]
fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    assert!(
        folder.ends_with("debug"),
        "{} is not of the dev profile, the only one that scripts/mesh looks for",
        own.display()
    );
    let path = folder.join(name);
    assert!(path.is_file(), "{name} isn't built: run `cargo build --workspace` first");
    path
}

/// The top of the checkout.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What a program did.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; absent if a signal ended it.
    pub code: Option<i32>,
    /// Its data.
    pub stdout: String,
    /// Its talk.
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("programs write UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Outcome {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        command.output().expect("a built program runs").into()
    }

    /// Runs a command to its end, with this on its stdin.
    pub fn of_fed(command: &mut Command, stdin: &str) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a built program runs");
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).expect("it reads its stdin");
        child.wait_with_output().unwrap().into()
    }

    /// Its stdout.
    ///
    /// # Panics
    /// If it did not exit with 0.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Its stderr.
    ///
    /// # Panics
    /// If it did anything but exit with this code and print no data.
    #[track_caller]
    pub fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "what is refused prints no data");
        self.stderr
    }

    /// Its stdout as one JSON value.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(self) -> T {
        let text = self.done();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in: {text}"))
    }

    /// Its stdout as a JSON value a line.
    #[track_caller]
    pub fn lines<T: DeserializeOwned>(self) -> Vec<T> {
        let text = self.done();
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in: {line}"));
        text.lines().map(line).collect()
    }
}
