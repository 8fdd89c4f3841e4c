//! The extensions that the standard defines itself, each for one type of observable (sections 6.6 to 6.16).

use super::super::form;
use super::super::reference::Refers;
use super::super::shape::{Body, INTEGER, Need, SIZE, Shape};
use super::TEXTS;
use super::meta::EXTENSION_TYPES;
use Shape::{Bool, Count, Dictionary, Either, Form, Hashes, Id, List, Number, OneOf, Parts, String, Text};

const HEX: Shape = Form(&form::HEX);
const COUNT: Shape = Count(0, u32::MAX as i64);

/// The shape of an extension of an object by its key; `None` for a key that is none.
pub(in super::super) fn predefined(object_type: &str, key: &str) -> Option<&'static Shape> {
    let own = PREDEFINED.iter().find(|(of, known, _)| *of == object_type && *known == key);
    let defined = key.starts_with("extension-definition--").then_some(&DEFINED);
    // Before extension definitions, custom extensions were named by their last part (section 11.3).
    let custom = key.ends_with("-ext").then_some(&Shape::Dictionary(&Shape::Anything));
    own.map(|(.., shape)| shape).or(defined).or(custom)
}

/// Section 7.3: what a definition extends.
static DEFINED: Shape = Parts(&Body {
    needs: &[Need("extension_type", OneOf(EXTENSION_TYPES), "it says in which way the object is extended")],
    knows: &[],
    one_of: &[],
});

static PREDEFINED: [(&str, &str, Shape); 12] = [
    (
        "file",
        "archive-ext",
        Parts(&Body {
            needs: &[Need(
                "contains_refs",
                List(&Id(Refers::To(&["file", "directory"]))),
                "it names what the archive holds",
            )],
            knows: &[("comment", String)],
            one_of: &[],
        }),
    ),
    (
        "file",
        "ntfs-ext",
        Parts(&Body {
            needs: &[],
            knows: &[("sid", String), ("alternate_data_streams", List(&Parts(&DATA_STREAM)))],
            one_of: &[],
        }),
    ),
    (
        "file",
        "pdf-ext",
        Parts(&Body {
            needs: &[],
            knows: &[
                ("version", String),
                ("is_optimized", Bool),
                ("document_info_dict", Dictionary(&String)),
                ("pdfid0", String),
                ("pdfid1", String),
            ],
            one_of: &[],
        }),
    ),
    (
        "file",
        "raster-image-ext",
        Parts(&Body {
            needs: &[],
            knows: &[
                ("image_height", INTEGER),
                ("image_width", INTEGER),
                ("bits_per_pixel", INTEGER),
                ("exif_tags", Dictionary(&Either(&INTEGER, &String))),
            ],
            one_of: &[],
        }),
    ),
    (
        "file",
        "windows-pebinary-ext",
        Parts(&Body {
            needs: &[Need("pe_type", Text, "it says what kind of binary it is")],
            knows: &[
                ("imphash", String),
                ("machine_hex", HEX),
                ("number_of_sections", COUNT),
                ("time_date_stamp", Form(&form::WHOLE_SECONDS)),
                ("pointer_to_symbol_table_hex", HEX),
                ("number_of_symbols", COUNT),
                ("size_of_optional_header", COUNT),
                ("characteristics_hex", HEX),
                ("file_header_hashes", Hashes),
                ("optional_header", Parts(&OPTIONAL_HEADER)),
                ("sections", List(&Parts(&SECTION))),
            ],
            one_of: &[],
        }),
    ),
    (
        "network-traffic",
        "http-request-ext",
        Parts(&Body {
            needs: &[
                Need("request_method", Text, "it says what was asked to be done"),
                Need("request_value", Text, "it says what was asked for"),
            ],
            knows: &[
                ("request_version", String),
                ("request_header", Dictionary(&TEXTS)),
                ("message_body_length", INTEGER),
                ("message_body_data_ref", Id(Refers::To(&["artifact"]))),
            ],
            one_of: &[],
        }),
    ),
    (
        "network-traffic",
        "icmp-ext",
        Parts(&Body {
            needs: &[
                Need("icmp_type_hex", HEX, "it is the type of the message"),
                Need("icmp_code_hex", HEX, "it is the code of the message"),
            ],
            knows: &[],
            one_of: &[],
        }),
    ),
    (
        "network-traffic",
        "socket-ext",
        Parts(&Body {
            needs: &[Need(
                "address_family",
                OneOf(&[
                    "AF_UNSPEC",
                    "AF_INET",
                    "AF_IPX",
                    "AF_APPLETALK",
                    "AF_NETBIOS",
                    "AF_INET6",
                    "AF_IRDA",
                    "AF_BTH",
                ]),
                "it says what kind of addresses the socket has",
            )],
            knows: &[
                ("is_blocking", Bool),
                ("is_listening", Bool),
                ("options", Dictionary(&INTEGER)),
                (
                    "socket_type",
                    OneOf(&["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"]),
                ),
                ("socket_descriptor", SIZE),
                ("socket_handle", INTEGER),
            ],
            one_of: &[],
        }),
    ),
    (
        "network-traffic",
        "tcp-ext",
        Parts(&Body { needs: &[], knows: &[("src_flags_hex", HEX), ("dst_flags_hex", HEX)], one_of: &[] }),
    ),
    (
        "process",
        "windows-process-ext",
        Parts(&Body {
            needs: &[],
            knows: &[
                ("aslr_enabled", Bool),
                ("dep_enabled", Bool),
                ("priority", String),
                ("owner_sid", String),
                ("window_title", String),
                ("integrity_level", OneOf(&["low", "medium", "high", "system"])),
            ],
            one_of: &[],
        }),
    ),
    (
        "process",
        "windows-service-ext",
        Parts(&Body {
            needs: &[],
            knows: &[
                ("service_name", String),
                ("descriptions", TEXTS),
                ("display_name", String),
                ("group_name", String),
                (
                    "start_type",
                    OneOf(&[
                        "SERVICE_AUTO_START",
                        "SERVICE_BOOT_START",
                        "SERVICE_DEMAND_START",
                        "SERVICE_DISABLED",
                        "SERVICE_SYSTEM_ALERT",
                    ]),
                ),
                ("service_dll_refs", List(&Id(Refers::To(&["file"])))),
                (
                    "service_type",
                    OneOf(&[
                        "SERVICE_KERNEL_DRIVER",
                        "SERVICE_FILE_SYSTEM_DRIVER",
                        "SERVICE_WIN32_OWN_PROCESS",
                        "SERVICE_WIN32_SHARE_PROCESS",
                    ]),
                ),
                (
                    "service_status",
                    OneOf(&[
                        "SERVICE_CONTINUE_PENDING",
                        "SERVICE_PAUSE_PENDING",
                        "SERVICE_PAUSED",
                        "SERVICE_RUNNING",
                        "SERVICE_START_PENDING",
                        "SERVICE_STOP_PENDING",
                        "SERVICE_STOPPED",
                    ]),
                ),
            ],
            one_of: &[],
        }),
    ),
    (
        "user-account",
        "unix-account-ext",
        Parts(&Body {
            needs: &[],
            knows: &[("gid", INTEGER), ("groups", TEXTS), ("home_dir", String), ("shell", String)],
            one_of: &[],
        }),
    ),
];

static DATA_STREAM: Body = Body {
    needs: &[Need("name", Text, "it is what the stream is called")],
    knows: &[("hashes", Hashes), ("size", SIZE)],
    one_of: &[],
};

static SECTION: Body = Body {
    needs: &[Need("name", Text, "it is what the section is called")],
    knows: &[("size", SIZE), ("entropy", Number(f64::MIN, f64::MAX)), ("hashes", Hashes)],
    one_of: &[],
};

static OPTIONAL_HEADER: Body = Body {
    needs: &[],
    knows: &[
        ("magic_hex", HEX),
        ("size_of_code", SIZE),
        ("size_of_initialized_data", SIZE),
        ("size_of_uninitialized_data", SIZE),
        ("address_of_entry_point", INTEGER),
        ("base_of_code", INTEGER),
        ("base_of_data", INTEGER),
        ("image_base", INTEGER),
        ("win32_version_value_hex", HEX),
        ("size_of_image", SIZE),
        ("size_of_headers", SIZE),
        ("checksum_hex", HEX),
        ("subsystem_hex", HEX),
        ("dll_characteristics_hex", HEX),
        ("loader_flags_hex", HEX),
        ("hashes", Hashes),
    ],
    one_of: &[],
};
