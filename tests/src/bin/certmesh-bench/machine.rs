//! What the machine itself takes: an fsync, as many of them at once as nodes share the disk, and a
//! round trip over loopback.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::sample::Samples;

/// What a small commit appends to its log, in bytes.
const APPEND: [u8; 512] = [7; 512];
/// A signed record of one small object, in bytes.
const MESSAGE: [u8; 400] = [7; 400];

/// Times of the machine.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// One append and fdatasync, alone.
    pub(crate) fsync: Samples,
    /// As many as there are nodes, begun together, until the last is done.
    pub(crate) fsyncs: Samples,
    /// There and back over TCP.
    pub(crate) round_trip: Samples,
}

/// Files on the disk of the nodes' data, and a connection that echoes.
pub(crate) struct Machine {
    files: Vec<File>,
    echo: TcpStream,
}

impl Machine {
    /// As many files as nodes, in a folder that is made for them.
    pub(crate) fn new(folder: &Path, nodes: usize) -> Self {
        std::fs::create_dir(folder).expect("the mesh's folder can be written");
        let file = |at| File::create(folder.join(format!("{at}.log"))).expect("a file can be made");
        Self { files: (0..nodes).map(file).collect(), echo: echo().expect("loopback works") }
    }

    /// One append and fdatasync, alone.
    pub(crate) fn fsync(&self) -> Duration {
        let start = Instant::now();
        append(&self.files[0]);
        start.elapsed()
    }

    /// One append and fdatasync of every file, from the signal to begin until the last is done.
    ///
    /// The threads wait for the signal through a time of quiet, as nodes wait for a message.
    pub(crate) fn fsyncs(&self, quiet: Duration) -> Duration {
        let signal = Barrier::new(self.files.len() + 1);
        thread::scope(|scope| {
            let wait_and_append = |file: &File| {
                signal.wait();
                append(file);
                Instant::now()
            };
            let threads: Vec<_> =
                self.files.iter().map(|file| scope.spawn(move || wait_and_append(file))).collect();
            thread::sleep(quiet);
            let start = Instant::now();
            signal.wait();
            let ends = threads.into_iter().map(|one| one.join().expect("appending does not fail"));
            ends.max().map_or(Duration::ZERO, |last| last.duration_since(start))
        })
    }

    /// There and back.
    pub(crate) fn round_trip(&mut self) -> Duration {
        let (mut back, start) = (MESSAGE, Instant::now());
        self.echo.write_all(&MESSAGE).and_then(|()| self.echo.read_exact(&mut back)).expect("an echo");
        start.elapsed()
    }
}

fn append(mut file: &File) {
    file.write_all(&APPEND).and_then(|()| file.sync_data()).expect("the disk takes an append");
}

fn echo() -> std::io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    let (mut there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    thread::spawn(move || {
        let mut message = MESSAGE;
        while there.read_exact(&mut message).and_then(|()| there.write_all(&message)).is_ok() {}
    });
    Ok(here)
}
