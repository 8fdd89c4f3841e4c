//! The power goes while a node commits: what is on its disk at that moment is all there is.
//!
//! A mesh lives on ext4 in a loop file. A node is frozen in the middle of its work and the file is
//! copied: what is in the page cache alone stays behind, as in a power cut, which `kill -9` is not. On
//! the copy a node starts that can ask nobody, and every publication that was acknowledged before the
//! freeze has to be there.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use certmesh_tests::{Disk, Holdings, Mesh, Node, Publishers, certmesh, eventually, program, unable};

/// Between two publications of one analyst: as good as none, so that a commit is always under way.
const PAUSE: Duration = Duration::from_millis(1);
/// Cuts, each at another moment of a commit.
const CUTS: u64 = 5;
/// What a program writes and does not sync, a moment before the power goes.
const UNSYNCED: &[u8] = &[7; 16 * 1024];
/// Room for a small mesh.
const SIZE_MIB: u64 = 512;

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let scratch = tempfile::Builder::new().prefix("certmesh-").tempdir().unwrap();
    let disk = match Disk::make(&scratch.path().join("disk.img"), &scratch.path().join("disk"), SIZE_MIB) {
        Ok(disk) => disk,
        Err(why) => return unable("a power cut", &why),
    };
    let mesh = Mesh::raise_in(disk.mounted_at(), 2);
    // Keys, configuration and manifests were there long before the power goes.
    disk.sync().unwrap();
    let sg = mesh.node("SG");
    let publishers = Publishers::start([sg], PAUSE, 20);
    let mut promised = 0;
    for cut in 0..CUTS {
        std::thread::sleep(Duration::from_millis(700 + 61 * cut));
        sg.freeze();
        // What is counted here was acknowledged before the copy begins.
        let acknowledged = publishers.acknowledged();
        fs::write(disk.mounted_at().join("unsynced"), UNSYNCED).unwrap();
        let after = disk.cut_power(&scratch.path().join("after.img"), &scratch.path().join("after")).unwrap();
        sg.thaw();
        let survived = fs::read(after.mounted_at().join("unsynced")).unwrap_or_default();
        assert!(survived != UNSYNCED, "the copy holds what was never synced: this is no power cut");
        fs::remove_file(disk.mounted_at().join("unsynced")).unwrap();
        assert!(acknowledged.len() > promised, "nothing was published before cut {cut}");
        promised = acknowledged.len();
        let home = after.mounted_at().join(sg.home().strip_prefix(disk.mounted_at()).unwrap());
        let holdings = start_alone(sg, &home);
        let lost = holdings.lacks(acknowledged.iter().map(|one| &one.record));
        assert_eq!(lost, 0, "of {promised} acknowledged publications, {lost} are lost in cut {cut}");
    }
    drop(publishers);
}

/// Starts the node on a copied home from which it knows no other node; what it holds.
fn start_alone(original: &Node, home: &Path) -> Holdings {
    for entry in fs::read_dir(home.join("manifests")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().unwrap() != &*original.member().to_lowercase() {
            fs::remove_file(path).unwrap();
        }
    }
    let config = fs::read_to_string(home.join("node.toml")).unwrap();
    let port = |line: &str| match line.starts_with("listen") {
        true => r#"listen = ["/ip4/127.0.0.1/udp/0/quic-v1"]"#.to_owned(),
        false => line.to_owned(),
    };
    fs::write(home.join("node.toml"), config.lines().map(port).collect::<Vec<_>>().join("\n")).unwrap();
    let _ = fs::remove_file(home.join("node.sock"));
    let running = Alone::start(home);
    let export = running.export();
    Holdings::read(&export)
}

/// A node on a disk that has seen a power cut. It ends when it is dropped.
struct Alone<'a> {
    child: Child,
    home: &'a Path,
}

impl<'a> Alone<'a> {
    fn start(home: &'a Path) -> Self {
        let mut daemon = program("certmesh-node");
        daemon.arg("--config").arg(home.join("node.toml")).stdin(Stdio::null());
        daemon.stderr(fs::File::create(home.join("after.log")).unwrap());
        Self { child: daemon.spawn().unwrap(), home }
    }

    fn export(&self) -> Vec<u8> {
        let (socket, file) = (self.home.join("node.sock"), self.home.join("after.export"));
        let words = [
            "--node".as_ref(),
            socket.as_os_str(),
            "export".as_ref(),
            "--records".as_ref(),
            file.as_os_str(),
        ];
        eventually("the node to start on what is left", || match certmesh(words) {
            outcome if outcome.code == Some(0) => Ok(()),
            outcome => {
                let log = fs::read_to_string(self.home.join("after.log")).unwrap_or_default();
                Err(format!("{}; its log: {log}", outcome.stderr))
            }
        });
        fs::read(file).unwrap()
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
