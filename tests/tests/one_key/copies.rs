//! A node's folder is copied to a second machine, and both run: one key, two pens.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use certmesh_api::Client;
use certmesh_tests::{Bundle, Mesh, Node, Outcome, agree, eventually, log_for_all, program};

use crate::backup::copy;

/// The same node once more, in a folder of its own. It ends when it is dropped.
struct Twin {
    child: Child,
    home: std::path::PathBuf,
}

impl Twin {
    /// Copies a node's whole folder, and starts the copy where nobody else listens.
    fn start(of: &Node, home: &Path) -> Self {
        copy(of.home(), home);
        Self::start_in(home)
    }

    /// Starts a copy that is already there.
    fn start_in(home: &Path) -> Self {
        let config = fs::read_to_string(home.join("node.toml")).unwrap();
        let listen = |line: &str| match line.starts_with("listen") {
            true => r#"listen = ["/ip4/127.0.0.1/udp/0/quic-v1"]"#.to_owned(),
            false => line.to_owned(),
        };
        fs::write(home.join("node.toml"), config.lines().map(listen).collect::<Vec<_>>().join("\n")).unwrap();
        let log = fs::File::create(home.join("twin.log")).unwrap();
        let mut daemon = program("certmesh-node");
        daemon.arg("--config").arg(home.join("node.toml")).stdin(Stdio::null()).stderr(log);
        Self { child: daemon.spawn().unwrap(), home: home.into() }
    }

    fn run(&self, words: &[&str], stdin: &str) -> Outcome {
        let socket = Client::new(self.home.join("node.sock"));
        Outcome::of_fed(program("certmesh").arg("--node").arg(socket.socket()).args(words), stdin)
    }

    #[track_caller]
    fn wait_to_sign(&self) {
        eventually("the twin to sign", || {
            let outcome = self.run(&["status", "--json"], "");
            if outcome.stdout.contains(r#""signs":true"#) { Ok(()) } else { Err(format!("{outcome:?}")) }
        });
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_whole_folder_that_runs_twice_is_found_out_by_every_node() {
    let mesh = Mesh::raise(4);
    let (th, others) = mesh.nodes().split_last().unwrap();
    th.publish(&Bundle::varied(95, 5).write(&mesh.path("")));
    mesh.wait_for_objects(5);
    th.stop();
    let log = log_for_all("TH", th.node_id());
    let before = others[0].holdings();
    let (next, _) = before.heads[&log];

    // Each of the two finds the note of the clean stop, and so believes that it may sign.
    let twin = Twin::start(th, &mesh.path("twin"));
    twin.wait_to_sign();
    th.start_to_sign();
    let mut objects = Bundle::bulky(96, 400, 0).objects.into_iter();
    eventually("every node to find the fork", || {
        twin.run(&["publish", "-"], &objects.next().unwrap());
        th.run_fed(&["publish", "-"], &objects.next().unwrap());
        let found = others.iter().filter(|node| !node.forks().is_empty()).count();
        if found == others.len() { Ok(()) } else { Err(format!("{found} of {} have", others.len())) }
    });
    drop(twin);
    th.stop();

    let others: Vec<_> = others.iter().collect();
    let holdings = eventually("equal frontiers", || agree(&others));
    assert_eq!(holdings.lacks(before.records.keys()), 0, "what one pen wrote stays");
    // Records that only the twin held when it ended are nobody's to compare: the fork that all know may
    // lie above the first place that was signed twice, never below.
    let end = holdings.heads[&log].0;
    assert!(end >= next, "the log ends at {end}, below {next}, where one pen wrote");
    for node in others {
        let [fork] = &node.forks()[..] else { panic!("{} shows {:?}", node.member(), node.forks()) };
        assert_eq!((&*fork.member, &fork.log, fork.seq), ("TH", &log.to_string(), end));
    }
}

#[test]
fn a_copied_data_folder_without_the_note_signs_nothing_that_the_original_has_signed() {
    let mesh = Mesh::raise(4);
    let th = mesh.node("TH");
    th.publish(&Bundle::varied(97, 5).write(&mesh.path("")));
    th.stop();
    let note = fs::read(th.stop_note()).unwrap();
    fs::remove_file(th.stop_note()).unwrap();
    copy(th.home(), &mesh.path("copied"));
    fs::write(th.stop_note(), note).unwrap();
    th.start_to_sign();
    th.publish(&Bundle::varied(98, 5).write(&mesh.path("")));
    mesh.wait_for_objects(10);
    th.stop();

    // The original is off: the copy has to hear of its last words from the others before it signs.
    let twin = Twin::start_in(&mesh.path("copied"));
    twin.wait_to_sign();
    twin.run(&["publish", "-"], &Bundle::varied(99, 1).objects[0]).done();
    let others: Vec<_> = mesh.nodes().iter().filter(|node| node.member() != "TH").collect();
    eventually("what the copy publishes", || match others[0].holds() {
        (_, 11) => Ok(()),
        held => Err(format!("{held:?}")),
    });
    let holdings = eventually("equal frontiers", || agree(&others));
    assert_eq!(
        holdings.heads[&log_for_all("TH", th.node_id())].0,
        4,
        "an opening and three records, in one row"
    );
    assert!(others.iter().all(|node| node.forks().is_empty()));
}
