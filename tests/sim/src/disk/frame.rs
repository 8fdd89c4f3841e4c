//! How a batch stands in the disk's log: its length, a checksum, its writes.

use certmesh_engine::store::{Batch, Family, Write};
use certmesh_wire::sha256;

const CHECKSUM: usize = 8;
const HEAD: usize = 4 + CHECKSUM;

/// The bytes of a batch.
pub(super) fn encode(batch: &Batch) -> Vec<u8> {
    let mut payload = Vec::new();
    for write in &batch.writes {
        payload.push(write.family as u8);
        push_sized(&mut payload, &write.key);
        match &write.value {
            None => payload.push(0),
            Some(value) => {
                payload.push(1);
                push_sized(&mut payload, value);
            }
        }
    }
    [&(payload.len() as u32).to_be_bytes()[..], &checksum(&payload), &payload].concat()
}

/// The batches that stand whole at the beginning of a log, and where the last of them ends.
pub(super) fn read(log: &[u8]) -> (Vec<Vec<Write>>, usize) {
    let (mut batches, mut at) = (Vec::new(), 0);
    while let Some((writes, end)) = read_one(log, at) {
        batches.push(writes);
        at = end;
    }
    (batches, at)
}

fn read_one(log: &[u8], at: usize) -> Option<(Vec<Write>, usize)> {
    let head = log.get(at..at + HEAD)?;
    let len = u32::from_be_bytes(*head.first_chunk()?) as usize;
    let payload = log.get(at + HEAD..at + HEAD + len)?;
    let writes = (checksum(payload) == head[4..]).then(|| decode(payload))??;
    Some((writes, at + HEAD + len))
}

fn decode(mut payload: &[u8]) -> Option<Vec<Write>> {
    let mut writes = Vec::new();
    while let Some((family, rest)) = payload.split_first() {
        let family = *Family::ALL.get(usize::from(*family))?;
        let (key, rest) = take_sized(rest)?;
        let (flag, mut rest) = rest.split_first()?;
        let mut value = None;
        if *flag == 1 {
            let (found, after) = take_sized(rest)?;
            (value, rest) = (Some(found.to_vec()), after);
        }
        writes.push(Write { family, key: key.to_vec(), value });
        payload = rest;
    }
    Some(writes)
}

fn push_sized(payload: &mut Vec<u8>, bytes: &[u8]) {
    payload.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    payload.extend_from_slice(bytes);
}

fn take_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let digest = sha256(&[payload]);
    *digest.first_chunk().expect("a digest has 32 bytes")
}
