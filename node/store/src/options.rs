//! How RocksDB is set up, and the arithmetic of what that may cost.
//!
//! | what | bound |
//! | --- | --- |
//! | [`CACHE`]: blocks read, filters and indexes included | 128 MiB |
//! | write buffers: two of [`write_buffer`] per family, one filling, one being flushed | 107 MiB |
//! | open files: [`OPEN_FILES`] readers, whose large parts are in the cache | about 10 MiB |
//! | two background jobs, a few blocks each | about 10 MiB |
//! | together | under 265 MiB |
//!
//! None of it grows with what is stored. The rest of 512 MiB is the node's: with 900,000 indicators, and
//! a cache of 96 MiB, it had 180 MiB resident after three polls and four lists of all of them.
//! On disk, beside the data: at most [`LOGGED`] of write-ahead log, and 16 MiB of RocksDB's own notes.

use certmesh_engine::store::Family;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, LogLevel,
    Options,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Bytes of the block cache, which all families share.
const CACHE: usize = 128 * MIB;

/// Files that RocksDB keeps open.
const OPEN_FILES: i32 = 512;

/// Bytes of write-ahead log beyond which the family that holds the oldest back is flushed. A start
/// after a crash reads at most this much.
const LOGGED: u64 = 128 * MIB as u64;

/// Bits of bloom filter a key: one lookup in a hundred of an absent key reads a block.
const FILTER_BITS: f64 = 10.0;

/// What holds for the database as a whole.
pub(crate) fn database() -> Options {
    let mut options = Options::default();
    keep_safe(&mut options);
    keep_bounded(&mut options);
    options
}

/// Damage is found rather than read.
fn keep_safe(options: &mut Options) {
    options.set_paranoid_checks(true);
    // Off by default; without it, a closed write-ahead log that is lost or cut recovers silently.
    options.set_track_and_verify_wals_in_manifest(true);
    // Readers see a batch after its sync, and only then: both would loosen that.
    options.set_enable_pipelined_write(false);
    options.set_unordered_write(false);
}

fn keep_bounded(options: &mut Options) {
    options.set_max_background_jobs(2);
    options.set_max_open_files(OPEN_FILES);
    options.set_max_total_wal_size(LOGGED);
    // Flushes and compactions go to the disk as they are written, not in one burst that a commit's
    // sync would wait behind.
    options.set_bytes_per_sync(MIB as u64);
    options.set_log_level(LogLevel::Info);
    options.set_max_log_file_size(4 * MIB);
    options.set_keep_log_file_num(4);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
}

/// One column family for each family of keys, under one cache, and RocksDB's obligatory `default`,
/// which stays empty.
pub(crate) fn families() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(CACHE);
    let unused = ColumnFamilyDescriptor::new(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, small());
    let ours = Family::ALL.map(|it| ColumnFamilyDescriptor::new(it.name(), family(it, &cache)));
    std::iter::once(unused).chain(ours).collect()
}

fn small() -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(MIB / 2);
    options.set_max_write_buffer_number(2);
    options
}

fn family(family: Family, cache: &Cache) -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(write_buffer(family));
    options.set_max_write_buffer_number(2);
    options.set_block_based_table_factory(&table(family, cache));
    if compresses(family) {
        // Not the files just flushed: they are short-lived, and the writer would wait for it.
        options.set_compression_per_level(&[DBCompressionType::None, DBCompressionType::Zstd]);
        // Window and strategy as zstd chooses; level 1; no dictionary.
        options.set_compression_options(-14, 1, 0, 0);
    } else {
        options.set_compression_type(DBCompressionType::None);
    }
    options
}

/// Bytes gathered in memory before a flush. What is written most gets most.
fn write_buffer(family: Family) -> usize {
    match family {
        Family::Meta => MIB,
        Family::Log => 4 * MIB,
        Family::Body | Family::Control => 8 * MIB,
        Family::Object | Family::Index => 16 * MIB,
    }
}

/// Bodies are zstd already, and ids and heads are as good as random.
fn compresses(family: Family) -> bool {
    matches!(family, Family::Log | Family::Object | Family::Index)
}

fn table(family: Family, cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_format_version(6);
    table.set_block_cache(cache);
    table.set_block_size(block_size(family));
    // Filters and indexes in pieces, within the cache: their size follows the store's, and left
    // outside it they would be memory without a bound.
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_pin_top_level_index_and_filter(true);
    if looked_up(family) {
        table.set_bloom_filter(FILTER_BITS, false);
        table.set_partition_filters(true);
    }
    table
}

/// Families that are asked for single keys, many of which aren't there.
fn looked_up(family: Family) -> bool {
    matches!(family, Family::Index | Family::Control)
}

/// Scans read blocks in a row and compress better when these are large; lookups pay for each byte.
fn block_size(family: Family) -> usize {
    match family {
        Family::Meta | Family::Control => 4 * KIB,
        Family::Index => 8 * KIB,
        Family::Log | Family::Body | Family::Object => 16 * KIB,
    }
}
