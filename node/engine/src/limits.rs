//! How much the engine takes on at once, in one place. What a byte string may be long is in
//! [`certmesh_wire::limits`].

/// Records that share one commit: enough to spread an fsync thin, few enough that the first of
/// them does not wait for long.
pub const COMMIT_RECORDS: usize = 1_024;
/// Bytes of records and bodies after which a commit takes no more.
pub const COMMIT_BYTES: usize = 16 * 1024 * 1024;
/// Terms (observables, labels, techniques, references) of one record's objects that are indexed with its commit; a
/// record that is made to swell the index is gone through a portion a commit. What the operators' command publishes,
/// a quarter MiB of text a record, stays far below.
pub const RECORD_TERMS: usize = 32_768;
/// Terms of one commit after which no more objects change their place in the views.
pub const COMMIT_TERMS: usize = 65_536;
/// Ids that were put off and are judged with one commit.
pub const JUDGED_IDS: usize = 256;
/// Objects of an identity that are judged again with one commit, as it has other owners.
pub const REJUDGED_OBJECTS: usize = 256;
/// How far the time of a version may lie beyond its record's before others' versions are preferred, milliseconds.
pub const AHEAD_MS: u64 = 24 * 60 * 60 * 1_000;
/// Keys that one commit of a rebuild of the index goes through, and a sixteenth as many objects or records.
pub const REBUILD_KEYS: usize = 16_384;
/// Bytes of objects or bodies, once read, after which a commit of a rebuild takes no more.
pub const REBUILD_BYTES: usize = 8 * 1024 * 1024;
/// How far ahead of its log's head a record may be to be kept until its predecessors come. It is
/// also how many records of one log can be verified together.
pub const PARK_AHEAD: u64 = 512;
/// Bytes of records and compressed bodies of one log that wait for their predecessors.
pub const PARK_LOG_BYTES: usize = 2 * 1024 * 1024;
/// Objects that one page of a query gathers before it is handed on.
pub const PAGE_OBJECTS: usize = 500;
/// Bytes of objects after which a page ends.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Rows of the index that one page of a query or a collection goes through.
pub const PAGE_ROWS: usize = 20_000;
/// Objects that one page reads, to find those that it is asked for.
pub const PAGE_READS: usize = 2_500;
/// Objects of one page of a collection: enough that a page costs little beside its objects.
pub const COLLECTED_OBJECTS: usize = 2_000;
/// Bytes of the objects of one page of a collection, unless a single one has more.
pub const COLLECTED_BYTES: usize = 2 * 1024 * 1024;
/// Objects that one page of a collection reads, to find those that it is asked for.
pub const COLLECTED_READS: usize = 2_500;
/// Objects that an answer on a value names.
pub const HITS: usize = 256;
/// Rows of the index that the search for a value goes through: some tens of milliseconds.
pub const ROWS_EXAMINED: usize = 100_000;
/// Those that it goes through once it has found as many as are told, to give everybody a share: some milliseconds.
pub const ROWS_BEYOND: usize = 20_000;
/// Those among the earliest of one value that it looks at, where there are more than that.
pub const EARLIEST_ROWS: usize = 2_000;
/// Hits that each member has for sure, however little they say.
pub const SURE_HITS: usize = 8;
/// References to the objects that mention a value which are read for sightings and opinions.
pub const REFERENCES_READ: usize = 10_000;
/// References of an object, each way, that an answer names.
pub const RELATIONS: usize = 500;
/// Opinions, the latest first, that lists take into account.
pub const OPINIONS: usize = 100_000;
/// Labels of one value of a list.
pub const LISTED_LABELS: usize = 64;
/// Bytes of one label of a list.
pub const LISTED_LABEL_BYTES: usize = 256;
/// Rows of the index of which the objects are read together for a list. The more, the more of them lie side by side.
pub const LISTED_ROWS: usize = 16_384;
/// Objects that a value of a list names.
pub const LISTED_REPORTS: usize = 256;
/// Node keys of one member, of every state, over all its manifests: 32 members with as many fit a frontier.
pub const MEMBER_NODES: usize = 128;
/// Rosters kept, of all versions and rounds: each needed two thirds of the members.
pub const ROSTERS_KEPT: usize = 1_024;
/// Documents kept of those that contradict each other: two are a proof.
pub const CONTRADICTIONS_KEPT: usize = 2;
/// Manifests kept of one member under one root key: with the largest, 64 MiB; real ones have a few KiB.
pub const MANIFESTS_KEPT: usize = 256;
/// Records beyond a log's end that are followed at once, to see whether they lead to its checkpoint.
pub const FOLLOW_RECORDS: u64 = 1_024;
/// Records of one log that are withdrawn, or taken back in, with one commit.
pub const WITHDRAW_RECORDS: usize = 512;
/// Bytes of their bodies, once read, after which a commit withdraws no more.
pub const WITHDRAW_BYTES: usize = 8 * 1024 * 1024;
/// Milestones kept of each node in each log, 16 bytes each: 64 make 1 KiB, and with the most nodes
/// that a mesh may have (200, each with a log) some 40 MiB.
pub const RECEIPT_MILESTONES: usize = 64;
/// Records a second of one author by gossip while others have something to say, and how many at once.
/// Analysts and their tools publish a few a minute, each with up to thousands of objects.
pub const GOSSIP_RECORDS: u64 = 50;
/// See [`GOSSIP_RECORDS`].
pub const GOSSIP_RECORDS_BURST: u64 = 100;
/// Records a second of one author that its own nodes give when they are asked, while others have
/// something to say, and how many at once: a script that publishes thousands of objects one by one is
/// through in seconds.
pub const PULL_RECORDS: u64 = 200;
/// See [`PULL_RECORDS`].
pub const PULL_RECORDS_BURST: u64 = 500;
/// Bytes a second of one author, bodies as they are once read, and how many at once: a feed of
/// 100,000 indicators goes through.
pub const AUTHOR_BYTES: u64 = 4 * 1024 * 1024;
/// See [`AUTHOR_BYTES`].
pub const AUTHOR_BYTES_BURST: u64 = 128 * 1024 * 1024;
/// How long after another author's live record an author is held to its rate, milliseconds.
pub const LIVE_MS: u64 = 60_000;
/// How much a second a peer may send unasked that can't be taken, and how much at once, before it is
/// hung up on: 1 for a record above its author's share, 4 for anything that is wrong.
pub const PEER_FAULTS: u64 = 80;
/// See [`PEER_FAULTS`].
pub const PEER_FAULTS_BURST: u64 = 200;
/// Tokens of one node: one for each SOC tool, and room.
pub const TOKENS: usize = 1_024;
/// Networks of one token: each is looked at with each request.
pub const TOKEN_NETWORKS: usize = 64;
/// Bytes of objects after which an answer about one value reads no more of them: real ones have a few KiB each.
pub const CHECK_BYTES: usize = 32 * 1024 * 1024;
/// Objects that one member's opinions are about, of those that a list or an explanation minds: the latest. With 11 members
/// some 30 MiB.
pub const MEMBER_OPINIONS: usize = 20_000;
