//! The disk of a node fills up while it publishes and receives. It takes nothing more and says so, goes on
//! answering, and goes on by itself once there is room: what was acknowledged is there, and what the others have
//! published meanwhile comes.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use certmesh_tests::{Bundle, Disk, Mesh, Node, Outcome, eventually, unable};
use certmesh_wire::RecordId;

/// Room for a store, and for opening it anew.
const SIZE_MIB: u64 = 128;
/// What is left when the rest of the disk is taken.
const LEFT: u64 = 512 * 1024;
/// Publications, of two MB each, after which the disk must have filled up.
const MOST: u64 = 60;
/// What a SOC tool polls.
const SINCE_EVER: &str = "/taxii2/mesh/collections/all/objects/?limit=1";

#[test]
fn a_full_disk_stops_writing_and_nothing_else() {
    let scratch = tempfile::Builder::new().prefix("certmesh-").tempdir().unwrap();
    let mesh = Mesh::raise(3);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    sg.stop();
    // The disk goes before the mesh does: its node has stopped by then.
    let disk = match move_to_disk(sg, scratch.path()) {
        Ok(disk) => disk,
        Err(why) => return unable("a full disk", &why),
    };
    sg.start_to_sign();
    let publish = |seed| {
        sg.run([
            "publish".as_ref(),
            Bundle::bulky(seed, 40, 50_000).write(scratch.path()).as_os_str(),
            "--json".as_ref(),
        ])
    };
    let mut acknowledged = records_of(publish(0));
    let (stolen, other) = (sg.tool_with(&["stolen"]), sg.tool_with(&["other"]));
    let filler = disk.mounted_at().join("filler");
    fill(&filler);
    // RocksDB has reserved some room already.
    let refused = (1..MOST).find_map(|seed| match publish(seed) {
        outcome if outcome.code == Some(0) => {
            acknowledged.extend(records_of(outcome));
            None
        }
        refused => Some(refused.refused(1)),
    });
    let refused = refused.expect("the disk never filled up");
    assert!(refused.contains("No space left") && refused.contains("make room"), "{refused}");
    let again = publish(MOST).refused(1);
    assert!(again.contains("No space left") && again.contains("make room"), "{again}");
    assert!(is_full(&sg.status().alarms));
    assert!(!sg.query(&["--limit", "5"]).is_empty(), "what is there can be read");

    assert_eq!(stolen.get(SINCE_EVER).status, 200, "what is there can be read");
    let mut stream = stolen.follow("/api/v1/stream", &[]);
    let revoked = sg.run(["token", "revoke", "stolen"]);
    let asked = Instant::now();
    assert!(revoked.stderr.contains("the disk is full"), "{}", revoked.stderr);
    assert_eq!(stolen.get(SINCE_EVER).status, 401, "it opens nothing, whatever the disk keeps");
    while stream.next_line().is_some() {}
    // At once; but a slow machine is no defect.
    assert!(asked.elapsed() < Duration::from_secs(5), "a stream outlived its token");
    assert_eq!(other.get(SINCE_EVER).status, 200);
    let waits = |alarm: &String| alarm.contains("a stop before there is room would forget that: stolen");
    assert!(sg.status().alarms.iter().any(waits), "{:?}", sg.status().alarms);

    my.publish(&Bundle::varied(MOST + 1, 20).write(scratch.path()));
    fs::remove_file(&filler).unwrap();
    sg.wait_to_sign();
    eventually("the node to go on by itself", || {
        let status = sg.status();
        let same = sg.holds() == my.holds();
        if same && !is_full(&status.alarms) { Ok(()) } else { Err(format!("{:?}", status.alarms)) }
    });
    let lost = sg.holdings().lacks(&acknowledged);
    assert_eq!(lost, 0, "of {} acknowledged publications, {lost} are lost", acknowledged.len());
    publish(MOST).done();
    assert!(sg.is_running());
    assert_eq!(stolen.get(SINCE_EVER).status, 401);
    assert!(my.forks().is_empty(), "nothing was signed twice");
    sg.stop();
    sg.start_to_sign();
    assert_eq!(stolen.get(SINCE_EVER).status, 401, "by now it is written");

    // A stop before there is room takes back what could not be written, and the log says so.
    fill(&filler);
    (MOST + 2..2 * MOST).find(|seed| publish(*seed).code != Some(0)).expect("the disk never filled up");
    sg.run(["token", "revoke", "other"]);
    sg.stop();
    let log = sg.log();
    let forgotten = |line: &&str| line.contains("until it is revoked again") && line.contains("other");
    assert!(log.lines().rfind(forgotten).is_some(), "{log}");
    fs::remove_file(&filler).unwrap();
    sg.start_to_sign();
    assert_eq!(other.get(SINCE_EVER).status, 200);
    sg.stop();
}

fn is_full(alarms: &[String]) -> bool {
    alarms.iter().any(|alarm| alarm.starts_with("the disk is full"))
}

/// Puts the store of a node that has stopped on a small disk of its own.
fn move_to_disk(node: &Node, scratch: &Path) -> Result<Disk, String> {
    let data = node.data_dir();
    let kept = scratch.join("kept");
    let disk = Disk::make(&scratch.join("disk.img"), &scratch.join("probe"), SIZE_MIB)?;
    fs::rename(data, &kept).map_err(|error| error.to_string())?;
    let inside = disk.mounted_at().join("data");
    copy(&kept, &inside).map_err(|error| error.to_string())?;
    std::os::unix::fs::symlink(&inside, data).map_err(|error| error.to_string())?;
    Ok(disk)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?
        } else {
            fs::copy(entry.path(), place).map(drop)?
        }
    }
    Ok(())
}

/// Takes nearly all the room that is left.
fn fill(filler: &Path) {
    let file = fs::File::create(filler).unwrap();
    let disk = rustix::fs::fstatvfs(&file).unwrap();
    let taken = (disk.f_bavail * disk.f_frsize).saturating_sub(LEFT);
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, taken).unwrap();
}

/// The records that a publication became.
fn records_of(published: Outcome) -> Vec<RecordId> {
    let published: serde_json::Value = published.json();
    let records = published["records"].as_array().unwrap().iter();
    records.map(|id| id.as_str().unwrap().parse().unwrap()).collect()
}
