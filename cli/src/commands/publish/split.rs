//! Cuts the objects of a file into records: consecutive objects, in the order of the file.

use std::ops::Range;

use certmesh_wire::PackedBody;
use certmesh_wire::limits::{BODY_BYTES, BODY_OBJECTS};

use crate::error::CommandError;

/// Text gathered in one record, in bytes. STIX shrinks about eightfold, so that such a record nearly always fits one
/// gossip payload (60 KiB) and reaches the others without being asked for.
const RECORD_TEXT_BYTES: usize = 256 * 1024;

/// The objects of each record, by the lengths of all objects in bytes.
pub(super) fn into_records(lengths: &[u32]) -> Vec<Range<usize>> {
    let mut records = Vec::new();
    let (mut begin, mut bytes) = (0, 0_usize);
    for (at, length) in lengths.iter().enumerate() {
        let length = *length as usize;
        let full = at - begin == BODY_OBJECTS || bytes + length > RECORD_TEXT_BYTES;
        if full && at > begin {
            records.push(begin..at);
            (begin, bytes) = (at, 0);
        }
        bytes += length;
    }
    if begin < lengths.len() {
        records.push(begin..lengths.len());
    }
    records
}

/// Packs, as a node would, what alone could be too long for any record: then nothing of the file can be published.
pub(super) fn check_length(position: usize, object: &str) -> Result<(), CommandError> {
    if object.len() > BODY_BYTES / 2 {
        PackedBody::pack(&[object]).map_err(|fault| {
            CommandError::refused(format_args!("object {position} is too long for a record: {fault}"))
                .hint("nothing was published; divide the object, or leave it out")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many objects each record gets.
    fn counts(lengths: &[usize]) -> Vec<usize> {
        let lengths: Vec<_> = lengths.iter().map(|len| *len as u32).collect();
        let records = into_records(&lengths);
        assert!(records.iter().flat_map(Clone::clone).eq(0..lengths.len()), "all, and in order");
        records.iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn records_are_full_and_in_order() {
        let half = RECORD_TEXT_BYTES / 2;
        assert!(counts(&[]).is_empty());
        assert_eq!(counts(&[1]), [1]);
        assert_eq!(counts(&[half, half]), [2]);
        assert_eq!(counts(&[half, half, 1]), [2, 1]);
        assert_eq!(counts(&[1, RECORD_TEXT_BYTES * 2, 1]), [1, 1, 1]);
        assert_eq!(counts(&[2; BODY_OBJECTS + 1]), [BODY_OBJECTS, 1]);
    }

    #[test]
    fn what_no_record_holds_is_refused() {
        let long = "x".repeat(9 << 20);
        let fault = check_length(2, &long).unwrap_err();
        check_length(1, "{}").unwrap();
        assert!(format!("{fault:?}").contains("object 2 is too long"), "{fault:?}");
    }
}
