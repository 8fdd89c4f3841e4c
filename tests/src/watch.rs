//! `certmesh watch --json`, line by line, while it runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use certmesh_api::ObjectLine;

use crate::bundle::Bundle;
use crate::patience::{PATIENCE, wait_until};
use crate::program::{Outcome, program};

/// How long a watch that stands may take to show an object.
const SOON: Duration = Duration::from_millis(200);

/// A running watch. It ends when it is dropped.
pub struct Watch {
    child: Child,
    lines: Receiver<ObjectLine>,
}

impl Watch {
    /// Watches the node at one socket, and publishes objects of this seed at another (or the same)
    /// until one of them is shown: a watch does not say from when on it stands.
    ///
    /// # Panics
    /// If none is shown.
    #[track_caller]
    pub fn proven(watched: &Path, publisher: &Path, seed: u64) -> Self {
        let watch = Self::start(watched);
        let is_shown = |object: &String| {
            let mut publish = program("certmesh");
            publish.arg("--node").arg(publisher).args(["publish", "-"]);
            Outcome::of_fed(&mut publish, object).done();
            watch.lines.recv_timeout(SOON).is_ok()
        };
        assert!(Bundle::varied(seed, 200).objects.iter().any(is_shown), "the watch shows nothing");
        watch
    }

    fn start(socket: &Path) -> Self {
        let mut watch = program("certmesh");
        watch.arg("--node").arg(socket).args(["watch", "--json"]);
        let mut child = watch.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).expect("an object a line"));
            }
        });
        Self { child, lines }
    }

    /// What it shows, as it shows it, until it ends or nothing has come for a long time.
    pub fn lines(&self) -> impl Iterator<Item = ObjectLine> {
        std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok())
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn wait_for_end(&mut self) {
        wait_until("the watch to end", || self.child.try_wait().unwrap().is_some());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
