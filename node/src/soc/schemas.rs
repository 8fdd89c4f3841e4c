//! The shapes of what SOC tools send and get, for the OpenAPI document.

use serde_json::{Value, json};

/// By name.
pub(super) fn all() -> Value {
    json!({
        "Anything": {},
        "Text": {"type": "string"},
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}, "hint": {"type": "string"}},
        },
        "Ready": {
            "type": "object",
            "required": ["ready", "exercise", "connected"],
            "properties": {
                "ready": {"type": "boolean"},
                "exercise": {"type": "boolean"},
                "connected": {"type": "boolean", "description": "Whether any other node is; if not, lists grow old."},
            },
        },
        "Lists": {
            "type": "object",
            "required": ["exercise", "feeds"],
            "properties": {
                "exercise": {"type": "boolean"},
                "feeds": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "about", "media_type"],
                        "properties": {
                            "name": {"type": "string"},
                            "about": {"type": "string"},
                            "media_type": {"type": "string"},
                        },
                    },
                },
            },
        },
        "Values": {
            "description": "A value, {\"value\": …}, {\"values\": […]}, or a list of values.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "required": ["value"], "properties": {"value": {"type": "string"}}},
                {
                    "type": "object",
                    "required": ["values"],
                    "properties": {"values": {"type": "array", "items": {"type": "string"}}},
                },
            ],
        },
        "Checked": {
            "type": "object",
            "required": ["value", "known", "hits"],
            "properties": {
                "value": {"type": "string"},
                "known": {"type": "boolean"},
                "confirmed_by": {"type": "integer"},
                "sightings": {"type": "object", "additionalProperties": {"type": "integer"}},
                "false_positives": {"type": "object", "additionalProperties": {"type": "integer"}},
                "capped": {"type": "boolean"},
                "exercise": {"type": "boolean"},
                "recognised": {"type": "boolean"},
                "error": {"type": "string"},
                "hits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["how", "member", "tlp", "object_id"],
                        "properties": {
                            "how": {"enum": ["exact", "network", "inside", "parent", "subdomain"]},
                            "kind": {"type": "string"},
                            "value": {"type": "string"},
                            "partial": {"type": "boolean"},
                            "member": {"type": "string"},
                            "members": {"type": "array", "items": {"type": "string"}},
                            "tlp": {"type": "string"},
                            "confidence": {"type": ["integer", "null"]},
                            "first_seen": {"type": ["string", "null"]},
                            "valid_until": {"type": ["string", "null"]},
                            "object_id": {"type": "string"},
                            "name": {"type": ["string", "null"]},
                            "arrival": {"type": "integer"},
                        },
                    },
                },
            },
        },
        "Discovery": {
            "type": "object",
            "required": ["title", "api_roots"],
            "properties": {
                "title": {"type": "string"},
                "description": {"type": "string"},
                "default": {"type": "string"},
                "api_roots": {"type": "array", "items": {"type": "string"}},
            },
        },
        "ApiRoot": {
            "type": "object",
            "required": ["title", "versions", "max_content_length"],
            "properties": {
                "title": {"type": "string"},
                "description": {"type": "string"},
                "versions": {"type": "array", "items": {"type": "string"}},
                "max_content_length": {"type": "integer"},
            },
        },
        "Collection": {
            "type": "object",
            "required": ["id", "title", "can_read", "can_write"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "title": {"type": "string"},
                "description": {"type": "string"},
                "alias": {"type": "string"},
                "can_read": {"type": "boolean"},
                "can_write": {"type": "boolean"},
                "media_types": {"type": "array", "items": {"type": "string"}},
            },
        },
        "Collections": {
            "type": "object",
            "properties": {
                "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}},
            },
        },
        "Envelope": {
            "type": "object",
            "required": ["objects"],
            "properties": {
                "more": {"type": "boolean"},
                "next": {"type": "string"},
                "objects": {"type": "array", "items": {"type": "object"}},
            },
        },
        "Manifest": {
            "type": "object",
            "required": ["objects"],
            "properties": {
                "more": {"type": "boolean"},
                "next": {"type": "string"},
                "objects": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["id", "date_added", "version"],
                        "properties": {
                            "id": {"type": "string"},
                            "date_added": {"type": "string", "format": "date-time"},
                            "version": {"type": "string", "format": "date-time"},
                            "media_type": {"type": "string"},
                        },
                    },
                },
            },
        },
        "Versions": {
            "type": "object",
            "required": ["versions"],
            "properties": {
                "more": {"type": "boolean"},
                "next": {"type": "string"},
                "versions": {"type": "array", "items": {"type": "string", "format": "date-time"}},
            },
        },
        "Status": {
            "type": "object",
            "required": ["id", "status", "total_count", "success_count", "failure_count", "pending_count"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "status": {"enum": ["complete", "pending"]},
                "request_timestamp": {"type": "string", "format": "date-time"},
                "total_count": {"type": "integer"},
                "success_count": {"type": "integer"},
                "successes": {"$ref": "#/components/schemas/StatusDetails"},
                "failure_count": {"type": "integer"},
                "failures": {"$ref": "#/components/schemas/StatusDetails"},
                "pending_count": {"type": "integer"},
                "pendings": {"$ref": "#/components/schemas/StatusDetails"},
            },
        },
        "StatusDetails": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "version"],
                "properties": {
                    "id": {"type": "string"},
                    "version": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "TaxiiError": {
            "type": "object",
            "required": ["title"],
            "properties": {
                "title": {"type": "string"},
                "description": {"type": "string"},
                "http_status": {"type": "string"},
            },
        },
    })
}
