"""Reads the topics as an analyst would: Confluent's client, its Avro deserializer, and nothing of Hilo's but the names.

    read.py BOOTSTRAP_SERVERS REGISTRY_URL

Checks that each record has the documented fields with the documented types, and prints what it read as JSON:
{topic: {"records": {group: count}, "millis": sum of the record's times}}.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Null:
    """A value that may be missing."""

    def __init__(self, kind):
        self.kind = kind


# By the documentation, not by the schema: the fields that each topic carries at least.
EVERY = {"event_id": str, "tenant": str, "event_time": datetime, "ingest_time": datetime, "kind": str}
FACT = EVERY | {"source": {"delivery_id": str, "entry": int, "change": int, "item": int}}
TEXT, TIME, NUMBER = Null(str), Null(datetime), Null(float)
TEMPLATE = Null({"name": str, "language": TEXT, "category": TEXT})
TOPICS = {
    "hilo.raw": {"delivery_id": str, "tenant": str, "source": str, "received_at": datetime, "body": bytes},
    "hilo.identity": FACT
    | {
        "person_id": str,
        "identifiers": [{"kind": str, "value": str, "valid_from": TIME, "valid_to": TIME}],
        "country": TEXT,
        "rule": str,
        "confidence": float,
        "evidence": TEXT,
        "other_person_id": TEXT,
    },
    "hilo.conversation": FACT
    | {
        "person_id": TEXT,
        "conversation_id": TEXT,
        "session_id": TEXT,
        "phone_number_id": TEXT,
        "revision": int,
        "message_id": TEXT,
        "message_type": TEXT,
        "reply_to": TEXT,
        "author": Null({"kind": str, "id": TEXT}),
        "template": TEMPLATE,
        "referral": TEXT,
        "window_expires_at": TIME,
    },
    "hilo.status": FACT
    | {
        "message_id": str,
        "status": TEXT,
        "effective_status": TEXT,
        "sent_at": TIME,
        "delivered_at": TIME,
        "read_at": TIME,
        "played_at": TIME,
        "failed_at": TIME,
        "errors": [{"code": Null(int), "title": TEXT, "details": TEXT}],
        "pricing": Null({"model": TEXT, "category": TEXT, "billable": Null(bool)}),
        "template": TEMPLATE,
        "campaign": TEXT,
        "segment": TEXT,
        "person_id": TEXT,
        "orphan": bool,
    },
    "hilo.account": FACT
    | {
        "subject": {"kind": str, "id": str},
        "quality": TEXT,
        "limit": Null(int),
        "template": TEMPLATE,
        "reason": TEXT,
    },
    "hilo.consent": FACT
    | {
        "person_id": str,
        "revision": int,
        "sequence": int,
        "channel": str,
        "purpose": str,
        "state": str,
        "effective": str,
        "method": str,
        "valid_to": TIME,
        "subjects": [str],
        "previous_hash": str,
        "hash": str,
    },
    "hilo.metric": {
        "tenant": str,
        "metric": str,
        "definition": str,
        "window": Null({"start": datetime, "end": datetime}),
        "dimensions": [{"name": str, "value": str}],
        "numerator": NUMBER,
        "denominator": NUMBER,
        "value": NUMBER,
        "count": int,
        "p50": NUMBER,
        "p90": NUMBER,
        "is_final": bool,
        "revision": int,
    },
    "hilo.dead_letter": EVERY | {"reason": str, "detail": str, "original": bytes},
    "hilo.unclassified": FACT | {"reason": str, "field": TEXT, "original": str},
}
# A type that only ever was null proves nothing: these have to have a value somewhere.
SEEN = {
    "hilo.identity.identifiers[].valid_from",
    "hilo.conversation.session_id",
    "hilo.conversation.author.id",
    "hilo.conversation.window_expires_at",
    "hilo.status.delivered_at",
    "hilo.status.failed_at",
    "hilo.status.errors[].code",
    "hilo.status.template.language",
    "hilo.metric.window.end",
    "hilo.metric.value",
}
# What counts are told by, and which time is summed up.
GROUP = {"hilo.raw": "source", "hilo.metric": "metric"}


def check(path, kind, value, seen):
    if isinstance(kind, Null):
        if value is None:
            return
        kind = kind.kind
    seen.add(path)
    if isinstance(kind, dict):
        for name, inner in kind.items():
            if name not in value:
                sys.exit(f"{path}: there is no field {name}")
            check(f"{path}.{name}", inner, value[name], seen)
    elif isinstance(kind, list):
        for element in value:
            check(f"{path}[]", kind[0], element, seen)
    elif type(value) is not kind:
        sys.exit(f"{path}: {type(value).__name__} instead of {kind.__name__}")
    elif kind is datetime and value.utcoffset() != timedelta(0):
        sys.exit(f"{path}: a time without its zone")


def millis(topic, record):
    if topic == "hilo.metric":
        time = record["window"] and record["window"]["end"]
    else:
        time = record["received_at" if topic == "hilo.raw" else "event_time"]
    return 0 if time is None else (time - EPOCH) // timedelta(milliseconds=1)


def values(consumer, topic):
    """All committed records that there are now."""
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    open_ends = set(partitions)
    while open_ends:
        message = consumer.poll(60)
        if message is None:
            sys.exit(f"{topic}: the broker says nothing more")
        if message.error() is None:
            yield message.value()
        elif message.error().code() == KafkaError._PARTITION_EOF:
            open_ends.discard(message.partition())
        else:
            sys.exit(f"{topic}: {message.error()}")


def main(servers, registry):
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "analyst",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    seen, told = set(), {}
    for topic, kind in TOPICS.items():
        records, total = {}, 0
        for value in values(consumer, topic):
            record = deserialize(value, SerializationContext(topic, MessageField.VALUE))
            check(topic, kind, record, seen)
            group = record[GROUP.get(topic, "kind")]
            records[group] = records.get(group, 0) + 1
            total += millis(topic, record)
        told[topic] = {"records": records, "millis": total}
    consumer.close()
    if SEEN - seen:
        sys.exit(f"never with a value: {sorted(SEEN - seen)}")
    print(json.dumps(told, sort_keys=True))


main(*sys.argv[1:])
