//! How a command fails: what went wrong, what to do about it, and the exit code that scripts act on.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use certmesh_api::ClientError;
use certmesh_intel::display::safe;

use crate::session::talk;

/// The most that is shown of what a node says, in characters.
const NODE_WORDS: usize = 2_000;

/// What kind of failure it is; each is an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The input is wrong, or the node refused it: 1.
    Refused,
    /// The command line asks for something that makes no sense: 2.
    Usage,
    /// There is no node at the socket, or it went away: 3.
    Unreachable,
    /// Whoever read our output has had enough, as `head` does: no failure at all.
    OutputClosed,
}

/// A failure in words.
#[derive(Debug)]
pub(crate) struct CommandError {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

impl CommandError {
    /// The input is wrong, or was not accepted.
    pub(crate) fn refused(message: impl Display) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// The arguments contradict each other in a way that clap can't see.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    fn new(kind: Kind, message: impl Display) -> Self {
        Self { kind, message: message.to_string(), hint: None }
    }

    /// The same failure, with what to do next.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The same failure, with one thing more to do.
    pub(crate) fn hint_also(mut self, hint: impl Display) -> Self {
        self.hint = Some(self.hint.map_or_else(|| hint.to_string(), |first| format!("{first}; {hint}")));
        self
    }

    /// The same failure, with a sentence before its own.
    pub(crate) fn after(mut self, words: impl Display) -> Self {
        self.message = format!("{words}: {}", self.message);
        self
    }

    /// Says it on stderr, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if self.kind != Kind::OutputClosed {
            talk(format_args!("error: {}", self.message));
            if let Some(hint) = &self.hint {
                talk(format_args!("hint: {hint}"));
            }
        }
        match self.kind {
            Kind::OutputClosed => ExitCode::SUCCESS,
            Kind::Refused => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
            Kind::Unreachable => ExitCode::from(3),
        }
    }
}

/// Of stdout alone: what happens to a file names the file, in [`crate::file`].
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::OutputClosed, ""),
            _ => Self::refused(format_args!("the output can't be written: {error}")),
        }
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { socket, cause } => {
                let why = match cause.kind() {
                    io::ErrorKind::NotFound => "there is no such socket".to_owned(),
                    io::ErrorKind::ConnectionRefused => "the socket is there, but nobody listens".to_owned(),
                    io::ErrorKind::PermissionDenied => "this user may not open it".to_owned(),
                    _ => cause.to_string(),
                };
                Self::new(Kind::Unreachable, format_args!("no node answers at {}: {why}", socket.display()))
                    .hint(
                        "start the node, or name its socket with --node SOCKET or the variable CERTMESH_NODE",
                    )
            }
            ClientError::Broken { .. } => {
                Self::new(Kind::Unreachable, error).hint("see the node's log; once it is up again, ask again")
            }
            // The node's own words may quote what other members wrote.
            ClientError::Refused { body, .. } => {
                let hint = body.hint.map(|hint| safe(&hint, NODE_WORDS));
                Self { hint, ..Self::refused(safe(&body.error, NODE_WORDS)) }
            }
        }
    }
}
