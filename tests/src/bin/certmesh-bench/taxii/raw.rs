//! What the machine itself takes for the same bytes: from a file that the page cache holds, as a server of static files
//! sends them to the same client, a page for each request.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use certmesh_tests::Tool;

/// Bytes read from the file at once.
const PIECE: usize = 256 * 1024;

/// The time from the first request until the last byte is here.
pub(super) fn copy(pages: Vec<Vec<u8>>, path: &Path) -> Duration {
    let mut file = File::create(path).expect("the mesh's folder can be written");
    pages.iter().for_each(|page| file.write_all(page).expect("there is room"));
    let lens: Vec<_> = pages.iter().map(Vec::len).collect();
    // What the client kept of the node's pages is not to be found in this one's time.
    drop(pages);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback works");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (file, sizes) = (File::open(path).expect("it was just written"), lens.clone());
    let serving = thread::spawn(move || serve(&listener, file, &sizes));
    let mut kept = Tool { address, token: String::new() }.keep().expect("loopback works");
    let (mut pages, begun) = (Vec::new(), Instant::now());
    for len in lens {
        let page = kept.get("/page").expect("an answer");
        assert_eq!(page.body.len(), len);
        pages.push(page.body);
    }
    let took = begun.elapsed();
    serving.join().expect("serving does not fail");
    took
}

fn serve(listener: &TcpListener, mut file: File, lens: &[usize]) {
    let (mut server, _) = listener.accept().expect("loopback works");
    server.set_nodelay(true).expect("loopback works");
    let mut requests = BufReader::new(server.try_clone().expect("a socket can be shared"));
    let mut piece = vec![0; PIECE];
    for len in lens {
        take_request(&mut requests);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n");
        server.write_all(head.as_bytes()).expect("loopback works");
        let mut left = *len;
        while left > 0 {
            let most = left.min(PIECE);
            file.read_exact(&mut piece[..most]).expect("it was just written");
            server.write_all(&piece[..most]).expect("loopback works");
            left -= most;
        }
    }
}

/// Reads a request's head, up to its empty line.
fn take_request(requests: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        requests.read_line(&mut line).expect("loopback works");
    }
}
