//! What the machine itself takes for the same bytes: from a file that the page cache holds, through a loopback
//! socket, a page for each short request, as a server of static files would.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes read from the file at once.
const PIECE: usize = 256 * 1024;
/// As much as a request's head.
const REQUEST: [u8; 300] = [7; 300];

/// The time from the first request until the last byte is here.
pub(super) fn copy(pages: &[Vec<u8>], path: &Path) -> Duration {
    let mut file = File::create(path).expect("the mesh's folder can be written");
    pages.iter().for_each(|page| file.write_all(page).expect("there is room"));
    let lens: Vec<_> = pages.iter().map(Vec::len).collect();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback works");
    let mut client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("loopback works");
    let (server, _) = listener.accept().expect("loopback works");
    let (sizes, path) = (lens.clone(), path.to_owned());
    let serving = thread::spawn(move || serve(server, &path, &sizes));
    client.set_nodelay(true).expect("loopback works");
    let mut page = vec![0; lens.iter().copied().max().unwrap_or_default()];
    let begun = Instant::now();
    for len in lens {
        client.write_all(&REQUEST).expect("loopback works");
        client.read_exact(&mut page[..len]).expect("loopback works");
    }
    let took = begun.elapsed();
    serving.join().expect("serving does not fail");
    took
}

fn serve(mut server: TcpStream, path: &Path, lens: &[usize]) {
    server.set_nodelay(true).expect("loopback works");
    let mut file = File::open(path).expect("it was just written");
    file.seek(SeekFrom::Start(0)).expect("a file can be read from its start");
    let (mut request, mut piece) = (REQUEST, vec![0; PIECE]);
    for len in lens {
        server.read_exact(&mut request).expect("loopback works");
        let mut left = *len;
        while left > 0 {
            let most = left.min(PIECE);
            file.read_exact(&mut piece[..most]).expect("it was just written");
            server.write_all(&piece[..most]).expect("loopback works");
            left -= most;
        }
    }
}
