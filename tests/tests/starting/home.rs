//! A node's home folder, made by `scripts/mesh` and then changed at will, and the daemon started on
//! it by hand.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use certmesh_tests::{Mesh, Node, Outcome, eventually, program, wait_until};
use tempfile::TempDir;

/// A folder that a node can start in. It is gone when it is dropped.
pub(crate) struct Home(TempDir);

impl Home {
    /// The home of the only node of a mesh of its own.
    pub(crate) fn new() -> Self {
        let mesh = Mesh::raise(1);
        let node = &mesh.nodes()[0];
        node.stop();
        Self::of(node)
    }

    /// A copy of a node's home, without its data, and with ports that the system chooses, so that
    /// it and the original can run side by side.
    pub(crate) fn of(node: &Node) -> Self {
        let folder = tempfile::Builder::new().prefix("certmesh-").tempdir().unwrap();
        let home = Self(folder);
        for name in ["node.key", "roster.cbor", "node.toml"] {
            fs::copy(node.home().join(name), home.path(name)).unwrap();
        }
        fs::create_dir(home.path("manifests")).unwrap();
        for entry in fs::read_dir(node.home().join("manifests")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), home.path("manifests").join(entry.file_name())).unwrap();
        }
        home.set("listen", r#"["/ip4/127.0.0.1/udp/0/quic-v1"]"#);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Changes a setting of the configuration; the value is TOML.
    pub(crate) fn set(&self, key: &str, value: &str) {
        let line = |line: &str| match line.split(" = ").next() {
            Some(name) if name == key => format!("{key} = {value}\n"),
            _ => format!("{line}\n"),
        };
        let text = fs::read_to_string(self.path("node.toml")).unwrap();
        let changed: String = text.lines().map(line).collect();
        assert_ne!(changed, text, "the configuration has no {key} to change");
        fs::write(self.path("node.toml"), changed).unwrap();
    }

    /// Adds a line before all others of the configuration.
    pub(crate) fn prepend(&self, line: &str) {
        let text = fs::read_to_string(self.path("node.toml")).unwrap();
        fs::write(self.path("node.toml"), format!("{line}\n{text}")).unwrap();
    }

    fn daemon(&self) -> Command {
        let mut daemon = program("certmesh-node");
        daemon.arg("--config").arg(self.path("node.toml")).env_remove("SSLKEYLOGFILE").stdin(Stdio::null());
        daemon
    }

    /// Starts the daemon, which is expected to refuse, with this in its environment.
    pub(crate) fn fails_to_start(&self, environment: &[(&str, &str)]) -> Outcome {
        let mut daemon = self.daemon();
        daemon.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running(daemon.spawn().unwrap());
        wait_until("the daemon to refuse to start", || child.0.try_wait().unwrap().is_some());
        let (mut stdout, mut stderr) = (child.0.stdout.take().unwrap(), child.0.stderr.take().unwrap());
        let code = child.0.wait().unwrap().code();
        Outcome { code, stdout: text_of(&mut stdout), stderr: text_of(&mut stderr) }
    }

    /// Starts the daemon and waits until it answers. Its stderr goes to `node.log`.
    pub(crate) fn start(&self) -> Running {
        let log = fs::File::create(self.path("node.log")).unwrap();
        let running = Running(self.daemon().stdout(Stdio::null()).stderr(log).spawn().unwrap());
        eventually("the daemon to answer", || match self.certmesh(&["status"]) {
            Outcome { code: Some(0), .. } => Ok(()),
            other => Err(format!("{other:?}; its log: {}", self.log())),
        });
        running
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("node.log")).unwrap()
    }

    /// Runs the operators' command on the node that runs here.
    pub(crate) fn certmesh(&self, words: &[&str]) -> Outcome {
        let socket = self.path("node.sock");
        let words = ["--node", socket.to_str().unwrap()].into_iter().chain(words.iter().copied());
        certmesh_tests::certmesh(words)
    }
}

fn text_of(from: &mut impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

/// A process that ends, at the latest, when it is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Asks it to stop; its exit code, and how long it took in milliseconds.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, u128) {
        let asked = std::time::Instant::now();
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let code = self.waits();
        (code, asked.elapsed().as_millis())
    }

    /// Waits until it has ended by itself; its exit code.
    pub(crate) fn waits(&mut self) -> Option<i32> {
        wait_until("a process to end", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
