//! Where a command speaks: data on stdout, talk on stderr, questions to whoever sits at the terminal.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::PathBuf;
use std::sync::Once;

use certmesh_api::Client;
use clap::Args;
use serde::Serialize;

/// What every command understands.
#[derive(Args)]
pub(crate) struct Everywhere {
    /// The node's Unix socket
    #[arg(
        long,
        env = "CERTMESH_NODE",
        hide_env_values = true,
        default_value = "/run/certmesh/node.sock",
        value_name = "SOCKET",
        display_order = 901
    )]
    pub(crate) node: PathBuf,
    /// Print JSON for programs
    #[arg(long, global = true, display_order = 902)]
    pub(crate) json: bool,
    /// Answer any question with yes
    #[arg(long, global = true, display_order = 903)]
    pub(crate) yes: bool,
}

/// A line of talk on stderr. A closed stderr is nobody's problem.
pub(crate) fn talk(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says once that nothing of what follows is real.
fn say_exercise() {
    static SAID: Once = Once::new();
    SAID.call_once(|| talk("EXERCISE: nothing in this mesh is real"));
}

/// One run of one command.
pub(crate) struct Session {
    everywhere: Everywhere,
    out: BufWriter<Stdout>,
}

impl Session {
    pub(crate) fn new(everywhere: Everywhere) -> Self {
        Self { everywhere, out: BufWriter::new(io::stdout()) }
    }

    /// Whether stdout is read by a program.
    pub(crate) fn json(&self) -> bool {
        self.everywhere.json
    }

    /// Names the node to talk to.
    pub(crate) fn turn_to(&mut self, node: PathBuf) {
        self.everywhere.node = node;
    }

    /// A client of the node that was named.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.everywhere.node).on_exercise(say_exercise)
    }

    /// A line of data.
    pub(crate) fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// A line of JSON.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Sends on what was said so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Whether somebody looks at stdout.
    pub(crate) fn is_terminal(&self) -> bool {
        self.out.get_ref().is_terminal()
    }

    /// Whether to go ahead. Asked only where the question is seen: a script has made up its mind by calling.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        let asked = io::stdin().is_terminal() && io::stderr().is_terminal();
        if self.everywhere.yes || !asked {
            return true;
        }
        let _ = write!(io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// A line that somebody at the terminal answers; absent where nobody sits.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        if self.everywhere.yes || !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return None;
        }
        let _ = write!(io::stderr(), "{question}: ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok().map(|_| answer.trim().to_owned())
    }
}
