//! Cyber observables (section 6).

use super::super::form;
use super::super::reference::Refers;
use super::super::shape::{Body, INTEGER, Need, SIZE, Shape};
use super::Family::Observable;
use super::{Rule, TEXTS};
use Shape::{
    Bool, Count, Dictionary, Either, Form, Hashes, Id, List, OneOf, Parts, String, Text, Time, Variables,
};

const HOSTS: Refers = Refers::To(&["ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"]);
const MAILBOX: Shape = Id(Refers::To(&["email-addr"]));
const MACS: Shape = List(&Id(Refers::To(&["mac-addr"])));
const SYSTEMS: Shape = List(&Id(Refers::To(&["autonomous-system"])));
const ARTIFACT: Shape = Id(Refers::To(&["artifact"]));
const USER: Shape = Id(Refers::To(&["user-account"]));
const CONTAINED: Shape = List(&Id(Refers::Observable));

pub(super) static RULES: &[Rule] = &[
    Rule::new(
        "artifact",
        Observable,
        Body {
            needs: &[],
            knows: &[
                ("mime_type", Form(&form::MEDIA_TYPE)),
                ("payload_bin", Form(&form::BASE64)),
                ("url", Form(&form::URL)),
                ("hashes", Hashes),
                ("encryption_algorithm", OneOf(&["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"])),
                ("decryption_key", String),
            ],
            one_of: &[(&["payload_bin", "url"], "an artifact must have a payload_bin or a url")],
        },
    ),
    Rule::new(
        "autonomous-system",
        Observable,
        Body {
            needs: &[Need("number", Count(0, u32::MAX as i64), "it is the number of the autonomous system")],
            knows: &[("name", String), ("rir", String)],
            one_of: &[],
        },
    ),
    Rule::new(
        "directory",
        Observable,
        Body {
            needs: &[Need("path", Text, "it is where the directory is")],
            knows: &[
                ("path_enc", Form(&form::CHARACTER_SET)),
                ("ctime", Time),
                ("mtime", Time),
                ("atime", Time),
                ("contains_refs", List(&Id(Refers::To(&["file", "directory"])))),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "domain-name",
        Observable,
        Body {
            needs: &[Need("value", Form(&form::DOMAIN), OBSERVED)],
            knows: &[("resolves_to_refs", List(&Id(Refers::To(&["ipv4-addr", "ipv6-addr", "domain-name"]))))],
            one_of: &[],
        },
    ),
    Rule::new(
        "email-addr",
        Observable,
        Body {
            needs: &[Need("value", Form(&form::MAILBOX), OBSERVED)],
            knows: &[("display_name", String), ("belongs_to_ref", USER)],
            one_of: &[],
        },
    ),
    Rule::new(
        "email-message",
        Observable,
        Body {
            needs: &[Need("is_multipart", Bool, "it says whether the message has several parts")],
            knows: &[
                ("date", Time),
                ("content_type", String),
                ("from_ref", MAILBOX),
                ("sender_ref", MAILBOX),
                ("to_refs", List(&MAILBOX)),
                ("cc_refs", List(&MAILBOX)),
                ("bcc_refs", List(&MAILBOX)),
                ("message_id", String),
                ("subject", String),
                ("received_lines", TEXTS),
                ("additional_header_fields", Dictionary(&Either(&String, &TEXTS))),
                ("body", String),
                ("body_multipart", List(&Parts(&MIME_PART))),
                ("raw_email_ref", ARTIFACT),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "file",
        Observable,
        Body {
            needs: &[],
            knows: &[
                ("hashes", Hashes),
                ("size", SIZE),
                ("name", String),
                ("name_enc", Form(&form::CHARACTER_SET)),
                ("magic_number_hex", Form(&form::HEX)),
                ("mime_type", String),
                ("ctime", Time),
                ("mtime", Time),
                ("atime", Time),
                ("parent_directory_ref", Id(Refers::To(&["directory"]))),
                ("contains_refs", CONTAINED),
                ("content_ref", ARTIFACT),
            ],
            one_of: &[(&["hashes", "name"], "a file must have hashes or a name")],
        },
    ),
    Rule::new(
        "ipv4-addr",
        Observable,
        Body {
            needs: &[Need("value", Form(&form::IPV4), OBSERVED)],
            knows: &[("resolves_to_refs", MACS), ("belongs_to_refs", SYSTEMS)],
            one_of: &[],
        },
    ),
    Rule::new(
        "ipv6-addr",
        Observable,
        Body {
            needs: &[Need("value", Form(&form::IPV6), OBSERVED)],
            knows: &[("resolves_to_refs", MACS), ("belongs_to_refs", SYSTEMS)],
            one_of: &[],
        },
    ),
    Rule::new(
        "mac-addr",
        Observable,
        Body { needs: &[Need("value", Form(&form::MAC), OBSERVED)], knows: &[], one_of: &[] },
    ),
    Rule::new(
        "mutex",
        Observable,
        Body { needs: &[Need("name", Text, "it is what was observed")], knows: &[], one_of: &[] },
    ),
    Rule::new(
        "network-traffic",
        Observable,
        Body {
            needs: &[Need("protocols", List(&Text), "it says in which protocols the traffic is")],
            knows: &[
                ("start", Time),
                ("end", Time),
                ("is_active", Bool),
                ("src_ref", Id(HOSTS)),
                ("dst_ref", Id(HOSTS)),
                ("src_port", Count(0, 65_535)),
                ("dst_port", Count(0, 65_535)),
                ("src_byte_count", SIZE),
                ("dst_byte_count", SIZE),
                ("src_packets", SIZE),
                ("dst_packets", SIZE),
                ("ipfix", Dictionary(&Either(&INTEGER, &String))),
                ("src_payload_ref", ARTIFACT),
                ("dst_payload_ref", ARTIFACT),
                ("encapsulates_refs", List(&Id(Refers::To(&["network-traffic"])))),
                ("encapsulated_by_ref", Id(Refers::To(&["network-traffic"]))),
            ],
            one_of: &[(&["src_ref", "dst_ref"], "network traffic must have a src_ref or a dst_ref")],
        },
    ),
    Rule::new(
        "process",
        Observable,
        Body {
            needs: &[],
            knows: &[
                ("is_hidden", Bool),
                ("pid", INTEGER),
                ("created_time", Time),
                ("cwd", String),
                ("command_line", String),
                ("environment_variables", Variables),
                ("opened_connection_refs", List(&Id(Refers::To(&["network-traffic"])))),
                ("creator_user_ref", USER),
                ("image_ref", Id(Refers::To(&["file"]))),
                ("parent_ref", Id(Refers::To(&["process"]))),
                ("child_refs", List(&Id(Refers::To(&["process"])))),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "software",
        Observable,
        Body {
            needs: &[Need("name", Text, "it is what people call the software")],
            knows: &[
                ("cpe", Form(&form::CPE)),
                ("swid", String),
                ("languages", List(&Form(&form::LANGUAGE))),
                ("vendor", String),
                ("version", String),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "url",
        Observable,
        Body { needs: &[Need("value", Form(&form::URL), OBSERVED)], knows: &[], one_of: &[] },
    ),
    Rule::new(
        "user-account",
        Observable,
        Body {
            needs: &[],
            knows: &[
                ("user_id", String),
                ("credential", String),
                ("account_login", String),
                ("account_type", String),
                ("display_name", String),
                ("is_service_account", Bool),
                ("is_privileged", Bool),
                ("can_escalate_privs", Bool),
                ("is_disabled", Bool),
                ("account_created", Time),
                ("account_expires", Time),
                ("credential_last_changed", Time),
                ("account_first_login", Time),
                ("account_last_login", Time),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "windows-registry-key",
        Observable,
        Body {
            needs: &[],
            knows: &[
                ("key", Form(&form::REGISTRY_KEY)),
                ("values", List(&Parts(&REGISTRY_VALUE))),
                ("modified_time", Time),
                ("creator_user_ref", USER),
                ("number_of_subkeys", INTEGER),
            ],
            one_of: &[],
        },
    ),
    Rule::new(
        "x509-certificate",
        Observable,
        Body {
            needs: &[],
            knows: &[
                ("is_self_signed", Bool),
                ("hashes", Hashes),
                ("version", String),
                ("serial_number", String),
                ("signature_algorithm", String),
                ("issuer", String),
                ("validity_not_before", Time),
                ("validity_not_after", Time),
                ("subject", String),
                ("subject_public_key_algorithm", String),
                ("subject_public_key_modulus", String),
                ("subject_public_key_exponent", INTEGER),
                ("x509_v3_extensions", Parts(&X509_EXTENSIONS)),
            ],
            one_of: &[],
        },
    ),
];

const OBSERVED: &str = "it is what was observed";

static MIME_PART: Body = Body {
    needs: &[],
    knows: &[
        ("body", String),
        ("body_raw_ref", Id(Refers::To(&["artifact", "file"]))),
        ("content_type", String),
        ("content_disposition", String),
    ],
    one_of: &[(&["body", "body_raw_ref"], "a part of a message must have a body or a body_raw_ref")],
};

static REGISTRY_VALUE: Body = Body {
    needs: &[],
    knows: &[
        ("name", String),
        ("data", String),
        (
            "data_type",
            OneOf(&[
                "REG_NONE",
                "REG_SZ",
                "REG_EXPAND_SZ",
                "REG_BINARY",
                "REG_DWORD",
                "REG_DWORD_BIG_ENDIAN",
                "REG_DWORD_LITTLE_ENDIAN",
                "REG_LINK",
                "REG_MULTI_SZ",
                "REG_RESOURCE_LIST",
                "REG_FULL_RESOURCE_DESCRIPTION",
                "REG_RESOURCE_REQUIREMENTS_LIST",
                "REG_QWORD",
                "REG_INVALID_TYPE",
            ]),
        ),
    ],
    one_of: &[(&["name", "data", "data_type"], "a registry value must have a name, data or a data_type")],
};

static X509_EXTENSIONS: Body = Body {
    needs: &[],
    knows: &[
        ("basic_constraints", String),
        ("name_constraints", String),
        ("policy_constraints", String),
        ("key_usage", String),
        ("extended_key_usage", String),
        ("subject_key_identifier", String),
        ("authority_key_identifier", String),
        ("subject_alternative_name", String),
        ("issuer_alternative_name", String),
        ("subject_directory_attributes", String),
        ("crl_distribution_points", String),
        ("inhibit_any_policy", String),
        ("private_key_usage_period_not_before", Time),
        ("private_key_usage_period_not_after", Time),
        ("certificate_policies", String),
        ("policy_mappings", String),
    ],
    one_of: &[],
};
