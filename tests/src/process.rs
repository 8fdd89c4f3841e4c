//! A node's process: its start, the signals that stop, freeze and end it, and whether it signs again.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use certmesh_api::Status;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::node::Node;
use crate::patience::{eventually, wait_until};
use crate::program::program;

impl Node {
    /// Starts it as `scripts/mesh` would, on the data that is there, and returns at once.
    pub fn start(&self) {
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let mut daemon = self.daemon();
        daemon.arg("--config").arg(self.home().join("node.toml")).current_dir(self.home());
        daemon.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        // Ctrl-C is for whoever drives the node: the node itself is to be stopped in order.
        let mut child = daemon.process_group(0).spawn().unwrap();
        fs::write(self.pid_file(), format!("{}\n", child.id())).unwrap();
        // Somebody has to bury it.
        std::thread::spawn(move || child.wait());
    }

    /// Starts it, and waits until it signs what is published on it.
    #[track_caller]
    pub fn start_to_sign(&self) {
        self.start();
        self.wait_to_sign();
    }

    /// Waits until it signs what is published on it.
    #[track_caller]
    pub fn wait_to_sign(&self) {
        eventually(&format!("{} to sign", self.member()), || match self.try_status() {
            Some(status) if status.signs => Ok(()),
            Some(status) => Err(format!("{:?}", status.alarms)),
            None => Err("it does not answer".to_owned()),
        });
    }

    /// Waits until it answers, whether or not it signs.
    #[track_caller]
    pub fn wait_to_answer(&self) -> Status {
        eventually(&format!("{} to answer", self.member()), || self.try_status().ok_or("it does not"))
    }

    /// How it is, or nothing while it does not answer.
    pub fn try_status(&self) -> Option<Status> {
        let outcome = self.run(["status", "--json"]);
        (outcome.code == Some(0)).then(|| outcome.json())
    }

    /// Ends it without a word, as a power cut would end its process.
    pub fn kill(&self) {
        self.end(Signal::KILL);
    }

    /// Asks it to stop, and returns how long that took.
    pub fn stop(&self) -> Duration {
        let asked = Instant::now();
        self.end(Signal::TERM);
        asked.elapsed()
    }

    /// Freezes it in the middle of whatever it does; it has stopped when this returns.
    pub fn freeze(&self) {
        self.send(Signal::STOP);
        wait_until("a process to freeze", || state_of(self.pid()) == Some('T'));
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) {
        self.send(Signal::CONT);
    }

    /// Whether a process runs on its folder.
    pub fn is_running(&self) -> bool {
        self.known_pid().is_some_and(|pid| !is_gone(pid))
    }

    fn daemon(&self) -> Command {
        match fs::read_to_string(self.home().join("netns")) {
            Ok(namespace) => {
                let daemon = program("certmesh-node");
                let mut inside = Command::new("ip");
                inside.args(["netns", "exec", namespace.trim()]).arg(daemon.get_program());
                inside
            }
            Err(_) => program("certmesh-node"),
        }
    }

    fn send(&self, signal: Signal) {
        kill_process(self.pid(), signal)
            .unwrap_or_else(|error| panic!("{} is not running: {error}", self.member()));
    }

    fn end(&self, signal: Signal) {
        let pid = self.pid();
        self.send(signal);
        wait_until("a process to end", || is_gone(pid));
    }

    fn pid(&self) -> Pid {
        self.known_pid().unwrap_or_else(|| panic!("{} was never started", self.member()))
    }

    /// The process as of the last start, by whomever.
    fn known_pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        text.trim().parse().ok().and_then(Pid::from_raw)
    }

    fn pid_file(&self) -> PathBuf {
        self.home().join("node.pid")
    }
}

/// A zombie counts as gone: it holds neither files nor sockets, and whoever adopted it may be slow
/// to bury it.
fn is_gone(pid: Pid) -> bool {
    state_of(pid) == Some('Z') || test_kill_process(pid).is_err()
}

/// The letter of `/proc/PID/stat` (proc_pid_stat(5)), if the process exists.
fn state_of(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}
