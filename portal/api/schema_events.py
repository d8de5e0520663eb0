"""The description of POST /events, which is a plain view for speed and so has no serializers."""

from typing import Any

EVENT: dict[str, Any] = {
    "type": "object",
    "description": "A CloudEvent 1.0.",
    "required": ["specversion", "id", "source", "type", "subject"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "description": "Unique for the source, for ever."},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1, "description": "The event_type of a meter."},
        "subject": {"type": "string", "minLength": 1, "description": "The account's code."},
        "time": {"type": "string", "format": "date-time", "description": "Default: when it arrives."},
        "data": {
            "type": "object",
            "maxProperties": 100,
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        },
        "revision": {"type": "integer", "minimum": 0, "description": "A higher one replaces a lower one."},
        "voided": {"type": "boolean", "description": "With a higher revision: removes the event."},
    },
}
_BATCH: dict[str, Any] = {"type": "array", "items": EVENT, "minItems": 1, "maxItems": 5000}
RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["accepted", "duplicates", "quarantined", "rejected"],
    "additionalProperties": False,
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "quarantined": {"type": "integer"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "id", "code", "detail"],
                "properties": {
                    "index": {"type": "integer"},
                    "id": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

EVENTS: dict[str, Any] = {
    "post": {
        "operationId": "send_events",
        "tags": ["events"],
        "description": "Store usage. Answers when the events are durable; each good event of a mixed batch counts. "
        "Sending the same events again changes nothing. At most 5,000 events and 8 MiB.",
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": {"schema": EVENT},
                "application/cloudevents-batch+json": {"schema": _BATCH},
                "application/json": {"schema": _BATCH},
            },
        },
        "responses": {
            "200": {"description": "Stored.", "content": {"application/json": {"schema": RESULT}}},
            "422": {
                "description": "Every event was rejected.",
                "content": {"application/json": {"schema": RESULT}},
            },
        },
    }
}
