#!/usr/bin/env python3
"""Writes the vectors beside this file, with nothing but Python's standard library.

Run it from the project's root: python3 tests/vectors/make.py

A body is a list of parts: {"text": ...} as UTF-8 or {"hex": ...}, each "times" over if that is given.
`level` says where a vector can be used: `http` (also as a string), `string` (HTTP would strip or refuse
the header's value), or `key-bytes` (the key is no text, so only an HMAC itself can be tested).

messages.json and diagnoses.json have forms of their own, described at `messages` and in diagnoses.py.
"""

import base64
import hashlib
import hmac
import json
import pathlib

from diagnoses import diagnoses

HERE = pathlib.Path(__file__).parent
COMMAND = "python3 tests/vectors/make.py"

SECRET = "whsec_4f9d0c1b7a6e5d8c3b2a1f0e9d8c7b6a"
OLD_SECRET = "whsec_00112233445566778899aabbccddeeff"
OTHER_SECRET = "whsec_ffffffffffffffffffffffffffffffff"


def part_bytes(part):
    unit = part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])
    return unit * part.get("times", 1)


def body_bytes(parts):
    return b"".join(part_bytes(part) for part in parts)


def text(value, times=1):
    return {"text": value} if times == 1 else {"text": value, "times": times}


def sign(key, parts):
    key = key if isinstance(key, bytes) else key.encode()
    return hmac.new(key, body_bytes(parts), hashlib.sha256).hexdigest()


def vector(name, secrets, body, signature, expect, level="http"):
    return {
        "name": name,
        "level": level,
        "secrets": list(secrets),
        "body": body,
        "signature": signature,
        "expect": expect,
    }


def write(name, vectors, **shared):
    names = [vector["name"] for vector in vectors]
    assert len(names) == len(set(names)), "names must be unique"
    content = {"command": COMMAND, **shared, "vectors": vectors}
    (HERE / name).write_text(json.dumps(content, indent=2, ensure_ascii=True) + "\n")


def hmacs():
    """Returns the HMACs of keys that are no signing secrets, so only the Rust tests of the HMAC itself use them."""
    rfc4231 = [
        ("0b" * 20, [text("Hi There")]),
        (b"Jefe".hex(), [text("what do ya want for nothing?")]),
        ("aa" * 20, [{"hex": "dd", "times": 50}]),
        (bytes(range(1, 26)).hex(), [{"hex": "cd", "times": 50}]),
        ("0c" * 20, [text("Test With Truncation")]),
        ("aa" * 131, [text("Test Using Larger Than Block-Size Key - Hash Key First")]),
        (
            "aa" * 131,
            [
                text(
                    "This is a test using a larger than block-size key and a larger than block-size data."
                    " The key needs to be hashed before being used by the HMAC algorithm."
                )
            ],
        ),
    ]
    vectors = []

    def add(name, key, body, signature):
        assert sign(key, body) == signature, name
        vectors.append({"name": name, "level": "key-bytes", "keyHex": key.hex(), "body": body, "signature": signature})

    for number, (key, body) in enumerate(rfc4231, 1):
        add(f"RFC 4231 case {number}", bytes.fromhex(key), body, sign(bytes.fromhex(key), body))
    everybody = b"It's a Secret to Everybody"
    github = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    add("GitHub's documented example", everybody, [text("Hello, World!")], github)
    atlassian = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    add("Atlassian's documented example", everybody, [text("Hello World!")], atlassian)
    return vectors


def signatures():
    event = [text('{"eventId":"evt_1","type":"payment.completed","amount":"49.00"}')]
    good = sign(SECRET, event)
    vectors = []

    def accepted(name, body, secrets=(SECRET,), key=0):
        signature = sign(secrets[key], body)
        vectors.append(vector(name, secrets, body, signature, {"ok": True, "key": key}))

    def refused(name, signature, error, body=event, secrets=(SECRET,), level="http"):
        vectors.append(vector(name, secrets, body, signature, {"ok": False, "error": error}, level))

    accepted("an event", event)
    accepted("RFC 4231 case 2 through a text key", [text("what do ya want for nothing?")], ("Jefe",))
    accepted("empty body", [])
    accepted("body of 1 MiB", [text("0123456789abcdef", 65536)])
    accepted("body that is not UTF-8", [{"hex": "fffe00c0af80"}])
    accepted("body with emoji", [text('{"eventId":"evt_\U0001f512","note":"\U0001f469\u200d\U0001f680"}')])
    accepted("body with a final line break", [*event, text("\n")])
    accepted("key longer than a block", event, ("whsec_" + "k" * 200,))
    accepted("key of exactly one block", event, ("k" * 64,))
    accepted("key that is not ASCII", event, ("whsec_schl\u00fcssel_\U0001f511",))
    accepted("newest of two secrets", event, (SECRET, OLD_SECRET), 0)
    accepted("oldest of two secrets", event, (SECRET, OLD_SECRET), 1)
    accepted("last of eight secrets", event, tuple(f"whsec_{n}" for n in range(8)), 7)
    accepted("the same secret twice", event, (SECRET, SECRET), 0)

    mismatch = "signature_mismatch"
    refused("wrong key", sign(OTHER_SECRET, event), mismatch)
    refused("key with a space after it", sign(SECRET + " ", event), mismatch)
    refused("empty key", sign("", event), mismatch)
    refused("altered body", good, mismatch, body=[text(event[0]["text"].replace("49", "94"))])
    refused("body with one byte more", good, mismatch, body=[*event, text("\n")])
    refused("body with one byte less", good, mismatch, body=[text(event[0]["text"][:-1])])
    refused("first digit altered", ("1" if good[0] == "0" else "0") + good[1:], mismatch)
    refused("last digit altered", good[:-1] + ("1" if good[-1] == "0" else "0"), mismatch)
    refused("all zeros", "0" * 64, mismatch)
    refused("plain SHA-256 of the body", hashlib.sha256(body_bytes(event)).hexdigest(), mismatch)

    malformed = "signature_malformed"
    refused("missing", None, "signature_missing")
    refused("empty", "", malformed)
    refused("prefix sha256=", "sha256=" + good, malformed)
    refused("prefix v1=", "v1=" + good, malformed)
    refused("prefix 0x", "0x" + good, malformed)
    refused("upper case", good.upper(), malformed)
    refused("one digit in upper case", good[:-1] + "F", malformed)
    refused("63 digits", good[:63], malformed)
    refused("65 digits", good + "0", malformed)
    refused("odd number of digits", good[:31], malformed)
    refused("half the digits", good[:32], malformed)
    refused("a digit that is none", good[:-1] + "g", malformed)
    refused("space inside", good[:32] + " " + good[32:], malformed)
    refused("space in place of a digit", good[:32] + " " + good[33:], malformed)
    refused("spaces around", " " + good + " ", malformed, level="string")
    refused("tab before", "\t" + good, malformed, level="string")
    refused("line break after", good + "\n", malformed, level="string")
    refused("carriage return and line break after", good + "\r\n", malformed, level="string")
    refused("NUL after", good + "\0", malformed, level="string")
    refused("comma-joined with itself", good + ", " + good, malformed)
    refused("comma-joined with another", "0" * 64 + "," + good, malformed)
    refused("trailing comma", good + ",", malformed)
    refused("quoted", '"' + good + '"', malformed)
    refused("base64", base64.b64encode(bytes.fromhex(good)).decode(), malformed)
    refused("64 characters of base64", base64.b64encode(bytes.fromhex(good + good[:32])).decode(), malformed)
    refused("full-width digits", "\uff10" * 64, malformed, level="string")
    refused("64 bytes that are not ASCII", "\u00e9" * 32, malformed, level="string")
    return vectors


def envelopes():
    vectors = []

    def add(name, body, expect):
        vectors.append(vector(name, (SECRET,), body, sign(SECRET, body), expect))

    # typeJson and createdAtJson are the JSON strings exactly as they stand in the body.
    def event(name, body, event_id, type_json=None, created_at_json=None):
        body = body if isinstance(body, list) else [text(body)]
        expect = {"ok": True, "eventId": event_id, "typeJson": type_json, "createdAtJson": created_at_json}
        add(name, body, expect)

    def refused(name, body, reason):
        body = body if isinstance(body, list) else [text(body)]
        add(name, body, {"ok": False, "error": "invalid_event", "reason": reason})

    event("only an eventId", '{"eventId":"evt_1"}', "evt_1")
    event(
        "the documented fields",
        '{"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:27Z","data":{"a":[1,2]}}',
        "evt_1",
        '"payment.completed"',
        '"2026-11-24T06:55:27Z"',
    )
    event("unknown type", '{"eventId":"e","type":"comet.sighted"}', "e", '"comet.sighted"')
    event("type in event", '{"eventId":"e","event":"dpu.sealed"}', "e", '"dpu.sealed"')
    event("type in eventType", '{"eventId":"e","eventType":"dpu.sealed"}', "e", '"dpu.sealed"')
    event("type before event and eventType", '{"eventId":"e","eventType":"c","event":"b","type":"a"}', "e", '"a"')
    event("type that is no string", '{"eventId":"e","type":7,"event":"b"}', "e", '"b"')
    event("no type is a string", '{"eventId":"e","type":7,"event":{"a":1},"eventType":null}', "e")
    event("type of 1e400", '{"eventId":"e","type":1e400}', "e")
    event("type of depth 10,000", [text('{"eventId":"e","type":'), text("[", 10000), text("]", 10000), text("}")], "e")
    event("type with a lone surrogate", '{"eventId":"e","type":"\\ud800"}', "e", '"\\ud800"')
    event("escaped type", '{"eventId":"e","type":"a\\u002fb\\n"}', "e", '"a\\u002fb\\n"')
    event("repeated type", '{"eventId":"e","type":"a","type":7}', "e")
    event("createdAt that is no string", '{"eventId":"e","createdAt":1700000000}', "e")
    event("escaped id", '{"eventId":"\\u0065vt\\u005f\\u0031"}', "evt_1")
    event("escaped key", '{"event\\u0049d":"evt_1"}', "evt_1")
    event("emoji in the id", '{"eventId":"evt_\U0001f512"}', "evt_\U0001f512")
    event("emoji in the id, escaped", '{"eventId":"evt_\\ud83d\\udd12"}', "evt_\U0001f512")
    event("repeated eventId", '{"eventId":"first","eventId":"last"}', "last")
    event("repeated eventId, plain then escaped key", '{"eventId":"first","event\\u0049d":"last"}', "last")
    event("first eventId is no string", '{"eventId":null,"eventId":"last"}', "last")
    event("inner eventId does not count", '{"data":{"eventId":"inner"},"eventId":"outer"}', "outer")
    event("id of 1 byte", '{"eventId":"x"}', "x")
    event("id of 256 bytes", [text('{"eventId":"'), text("x", 256), text('"}')], "x" * 256)
    event("id of 256 bytes in 128 characters", [text('{"eventId":"'), text("\u00e9", 128), text('"}')], "\u00e9" * 128)
    event("id with quotes and a backslash", '{"eventId":"a\\"b\\\\c"}', 'a"b\\c')
    event("id that looks like the message", '{"eventId":"\\",\\"event\\":{"}', '","event":{')
    event("id of spaces", '{"eventId":"   "}', "   ")
    event("depth 10,000", [text('{"data":'), text("[", 10000), text("]", 10000), text(',"eventId":"e"}')], "e")
    event(
        "objects of depth 10,000",
        [text('{"data":'), text('{"a":', 10000), text("1"), text("}", 10000), text(',"eventId":"e"}')],
        "e",
    )
    event("lone surrogate in a value", '{"eventId":"e","data":"\\ud800"}', "e")
    event("lone surrogate in a key", '{"eventId":"e","\\udc00":1}', "e")
    event("number 1e400", '{"eventId":"e","data":1e400}', "e")
    event("number of 1,000 digits", [text('{"eventId":"e","data":'), text("9", 1000), text("}")], "e")
    event("key __proto__", '{"eventId":"e","__proto__":{"eventId":"x"}}', "e")
    event("white space around", ' \t\r\n{ "eventId" : "e" } \n\t\r', "e")
    event("empty key", '{"":1,"eventId":"e"}', "e")

    refused("empty", [], "not_an_object")
    refused("white space only", " \n", "not_an_object")
    refused("byte order mark", [{"hex": "efbbbf"}, text('{"eventId":"e"}')], "not_an_object")
    refused("array", '[{"eventId":"e"}]', "not_an_object")
    refused("string", '"evt_1"', "not_an_object")
    refused("number", "1", "not_an_object")
    refused("null", "null", "not_an_object")
    refused("form", "eventId=e", "not_an_object")
    refused("no-break space before", '\u00a0{"eventId":"e"}', "not_an_object")
    refused("not UTF-8 in a value", [text('{"eventId":"e","data":"'), {"hex": "ff"}, text('"}')], "not_utf8")
    refused("overlong UTF-8", [text('{"eventId":"e","data":"'), {"hex": "c0af"}, text('"}')], "not_utf8")
    refused("surrogate in UTF-8", [text('{"eventId":"e","data":"'), {"hex": "eda080"}, text('"}')], "not_utf8")
    refused("bytes after the object", '{"eventId":"e"}x', "not_json")
    refused("NUL after the object", '{"eventId":"e"}\0', "not_json")
    refused("comma after the object", '{"eventId":"e"},', "not_json")
    refused("two objects", '{"eventId":"e"}{"eventId":"e"}', "not_json")
    refused("two objects on two lines", '{"eventId":"e"}\n{"eventId":"e"}', "not_json")
    refused("closing brace missing", '{"eventId":"e"', "not_json")
    refused("comma before the brace", '{"eventId":"e",}', "not_json")
    refused("single quotes", "{'eventId':'e'}", "not_json")
    refused("key without quotes", '{eventId:"e"}', "not_json")
    refused("comment", '{"eventId":"e"/*x*/}', "not_json")
    refused("raw control character in a value", '{"eventId":"e","data":"\n"}', "not_json")
    refused("raw control character in a key", '{"eventId":"e","\x01":1}', "not_json")
    refused("raw control character in a deep key", '{"eventId":"e","data":{"\x01":1}}', "not_json")
    refused("wrong escape in a value", '{"eventId":"e","data":"\\x"}', "not_json")
    refused("NaN", '{"eventId":"e","data":NaN}', "not_json")
    refused("leading zero", '{"eventId":"e","data":01}', "not_json")
    refused("deep array that does not close", [text('{"eventId":"e","data":'), text("[", 10000), text("}")], "not_json")
    refused("no eventId", '{"type":"payment.completed"}', "id_missing")
    refused("empty object", "{}", "id_missing")
    refused("key in another case", '{"eventid":"e"}', "id_missing")
    refused("number as eventId", '{"eventId":1}', "id_not_a_string")
    refused("null as eventId", '{"eventId":null}', "id_not_a_string")
    refused("object as eventId", '{"eventId":{"id":"e"}}', "id_not_a_string")
    refused("last eventId is no string", '{"eventId":"first","eventId":7}', "id_not_a_string")
    refused("lone surrogate in the id", '{"eventId":"evt_\\ud800"}', "id_not_unicode")
    refused("empty id", '{"eventId":""}', "id_empty")
    refused("id of 257 bytes", [text('{"eventId":"'), text("x", 257), text('"}')], "id_too_long")
    refused("id of 258 bytes in 129 characters", [text('{"eventId":"'), text("\u00e9", 129), text('"}')], "id_too_long")
    refused("escaped NUL in the id", '{"eventId":"a\\u0000"}', "id_control_character")
    refused("escaped line break in the id", '{"eventId":"a\\n"}', "id_control_character")
    refused("DEL in the id", '{"eventId":"a\\u007f"}', "id_control_character")
    refused("C1 control character in the id", '{"eventId":"a\\u0085"}', "id_control_character")
    return vectors


def messages():
    """Returns the vectors of queue messages: `message` is the text, `body` the object under its bodyKey, or null.

    `expected` is an error's code, or the message's fields. typeJson and createdAtJson are the JSON strings
    exactly as in the message. `event` is the exact signed text, from the message or from the body.
    """
    vectors = []

    def head(event_id="evt_1", type_json=None, created_at_json=None, key=0, dedupe="new", window="inside"):
        return {
            "v": "1",
            "eventId": json.dumps(event_id, ensure_ascii=False),
            "type": type_json or "null",
            "createdAt": created_at_json or "null",
            "receivedAt": '"2026-11-24T06:55:01.204Z"',
            "key": str(key),
            "dedupe": json.dumps(dedupe),
            "window": json.dumps(window),
        }

    def inline(body, signature=None, **fields):
        return {**head(**fields), "signature": json.dumps(signature or sign(SECRET, [text(body)])), "event": body}

    def stored(body, signature=None, **fields):
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        return {
            **head(**fields),
            "signature": json.dumps(signature or sign(SECRET, [text(body)])),
            "bodyKey": f'"bodies/{sha256}"',
            "bodySha256": f'"{sha256}"',
            "bodyBytes": str(len(body.encode())),
        }

    def written(fields):
        return "{" + ",".join(f'"{name}":{json_text}' for name, json_text in fields.items()) + "}"

    def add(name, message, expected, body=None):
        message = message if isinstance(message, str) else written(message)
        vectors.append({"name": name, "message": message, "body": body, "expected": expected})

    def said(fields, event):
        raw = ("type", "createdAt", "event")
        of = {name: json.loads(json_text) for name, json_text in fields.items() if name not in raw}
        return {
            "eventId": of["eventId"],
            "typeJson": None if fields["type"] == "null" else fields["type"],
            "createdAtJson": None if fields["createdAt"] == "null" else fields["createdAt"],
            "receivedAt": of["receivedAt"],
            "key": of["key"],
            "dedupe": of["dedupe"],
            "window": of["window"],
            "signature": of["signature"],
            "bodyKey": of.get("bodyKey"),
            "bodySha256": of.get("bodySha256"),
            "bodyBytes": of.get("bodyBytes"),
            "event": event,
        }

    def good(name, event, after="", **fields):
        fields = inline(event, **fields)
        add(name, written(fields) + after, said(fields, event))

    def good_stored(name, event, **fields):
        fields = stored(event, **fields)
        add(name, fields, said(fields, event), body=event)

    type_json, created_at_json = '"payment.completed"', '"2026-11-24T06:55:00Z"'
    documented = f'{{"eventId":"evt_1","type":{type_json},"createdAt":{created_at_json},"data":{{"a":[1,2]}}}}'
    only_id = '{"eventId":"evt_1"}'

    good("the documented fields", documented, type_json=type_json, created_at_json=created_at_json)
    good("no type and no createdAt", only_id, window="unknown")
    good("doubt, outside the window, an older key", only_id, key=3, dedupe="unknown", window="outside")
    escaped = '"a\\u002fb\\n\\"c\\\\"'
    good("escapes in the type", f'{{"eventId":"evt_1","type":{escaped}}}', type_json=escaped)
    good("lone surrogate in the type", '{"eventId":"evt_1","type":"\\ud800"}', type_json='"\\ud800"')
    good("lone surrogate in a value of the event", '{"eventId":"evt_1","data":"\\udc00"}')
    good("createdAt that is no time", '{"eventId":"evt_1","createdAt":"soon"}', created_at_json='"soon"')
    good("emoji", '{"eventId":"evt_\U0001f512","note":"\U0001f469\u200d\U0001f680"}', event_id="evt_\U0001f512")
    good("id with quotes and a backslash", '{"eventId":"a\\"b\\\\c"}', event_id='a"b\\c')
    good("id that looks like the message", '{"eventId":"\\",\\"event\\":{"}', event_id='","event":{')
    looks_like = '",\\"event\\":{}"'
    good("type that looks like the message", f'{{"eventId":"evt_1","type":{looks_like}}}', type_json=looks_like)
    good("the event has a field event", '{"eventId":"evt_1","event":{"a":1}}')
    good("the event has the type in event", '{"eventId":"evt_1","event":"dpu.sealed"}', type_json='"dpu.sealed"')
    good("deeper fields event", '{"eventId":"evt_1","data":{"a":1,"event":{"b":2,"event":{}}}}')
    good("fields of a message in the event", '{"eventId":"evt_1","v":2,"signature":"x","bodyKey":"bodies/x"}')
    good("white space around the body", ' \t\r\n{ "eventId" : "evt_1" } \n\t\r')
    good("eventId repeated in the event, the last counts", '{"eventId":"first","eventId":"evt_1"}')
    good("number that no double holds", '{"eventId":"evt_1","amount":12345678901234567890.10}')
    good("line break after the message", only_id, after="\n")
    later = {**head(), "later": '{"a":[1]}', **inline(only_id)}
    add("a field that is not known yet", later, said(inline(only_id), only_id))
    surrogate = {**head(), "\\udc00": "1", **inline(only_id)}
    add("a field whose name holds a lone surrogate", surrogate, said(inline(only_id), only_id))
    surrogate = {**head(), "later": '"\\udc00"', **inline(only_id)}
    add("a field whose text holds a lone surrogate", surrogate, said(inline(only_id), only_id))
    add("white space before the message", " \t\r\n" + written(inline(only_id)), said(inline(only_id), only_id))
    repeated = '{"eventId":"evt_2",' + written(inline(only_id))[1:]
    add("eventId repeated in the message, the last counts", repeated, said(inline(only_id), only_id))
    escaped = written(inline(only_id)).replace('"key":', '"k\\u0065y":')
    add("escapes in a field's name", escaped, said(inline(only_id), only_id))
    good_stored("stored body", documented, type_json=type_json, created_at_json=created_at_json)
    good_stored("stored body with emoji and white space", ' {"eventId":"evt_1","note":"\U0001f512"}\n')

    no_message = "not_a_message"
    fields = inline(documented, type_json=type_json, created_at_json=created_at_json)
    whole = written(fields)

    def without(fields, *names):
        return {name: json_text for name, json_text in fields.items() if name not in names}

    add("empty", "", no_message)
    add("not JSON", "evt_1", no_message)
    add("array", "[" + whole + "]", no_message)
    add("array of a number", "[2]", no_message)
    add("string", json.dumps(whole), no_message)
    add("null", "null", no_message)
    add("the event alone", documented, no_message)
    add("bytes after the message", whole + "x", no_message)
    add("two messages", whole + whole, no_message)
    add("cut short", whole[:-1], no_message)
    for name in ("v", "eventId", "type", "createdAt", "receivedAt", "key", "dedupe", "window", "signature", "event"):
        add(f"{name} missing", without(fields, name), no_message)
    for name, wrong in (
        ("v", '"1"'),
        ("v", "null"),
        ("eventId", "1"),
        ("type", "7"),
        ("createdAt", "1700000000"),
        ("receivedAt", "null"),
        ("key", '"0"'),
        ("key", "-1"),
        ("dedupe", "true"),
        ("window", "null"),
        ("signature", "null"),
    ):
        add(f"{name} is {wrong}", {**fields, name: wrong}, no_message)
    add("event and bodyKey", {**stored(documented), "event": documented}, no_message, body=documented)
    add("event and bodyKey alone", {**head(), "bodyKey": '"bodies/1"', **inline(documented)}, no_message)
    for name in ("bodyKey", "bodySha256", "bodyBytes"):
        add(f"event, and {name} is null", {**head(), name: "null", **inline(documented)}, no_message)
    add("event is null beside a stored body", {**stored(documented), "event": "null"}, no_message, body=documented)
    add("event is null", {**fields, "event": "null"}, no_message)
    add("event is an array", inline("[" + documented + "]"), no_message)
    for name in ("bodyKey", "bodySha256", "bodyBytes"):
        add(f"{name} missing", without(stored(documented), name), no_message, body=documented)
    for name, wrong in (("bodyKey", "1"), ("bodySha256", "null"), ("bodyBytes", '"100"'), ("bodyBytes", "-1")):
        add(f"{name} is {wrong}", {**stored(documented), name: wrong}, no_message, body=documented)

    add("version 2", {**fields, "v": "2"}, "unknown_version")
    add("version 10", {**fields, "v": "10"}, "unknown_version")
    add("version -1", {**fields, "v": "-1"}, "unknown_version")
    add("version 0", {**fields, "v": "0"}, "unknown_version")
    add("version 2 of another form", '{"v":2,"events":[]}', "unknown_version")

    for name, wrong in (
        ("upper case", sign(SECRET, [text(documented)]).upper()),
        ("63 digits", sign(SECRET, [text(documented)])[:-1]),
        ("a prefix", "sha256=" + sign(SECRET, [text(documented)])),
        ("nothing", ""),
    ):
        add(f"signature with {name}", {**fields, "signature": json.dumps(wrong)}, "signature_malformed")

    mismatch = "signature_mismatch"
    add("event tampered with", {**fields, "event": documented.replace("[1,2]", "[1,3]")}, mismatch)
    add("event with another's signature", inline(only_id, signature=sign(SECRET, [text(documented)])), mismatch)
    add("signed with another secret", inline(only_id, signature=sign(OTHER_SECRET, [text(only_id)])), mismatch)
    add("event with white space put before it", {**fields, "event": " " + documented}, mismatch)
    add("event written anew", {**fields, "event": json.dumps(json.loads(documented))}, mismatch)
    add("event not last", {**fields, "later": "1"}, mismatch)
    resigned = stored(only_id, signature=sign(SECRET, [text(documented)]))
    add("stored body with another's signature", resigned, mismatch, body=only_id)

    other = "envelope_mismatch"
    add("eventId differs from the event's", inline(only_id, event_id="evt_2"), other)
    add("eventId differs from the event's in case", inline(only_id, event_id="EVT_1"), other)
    repeated = '{"eventId":"evt_1","eventId":"last"}'
    add("eventId is the first of a repeated one", inline(repeated), other)
    add("eventId differs from the stored event's", stored(only_id, event_id="evt_2"), other, body=only_id)
    add("type differs from the event's", {**fields, "type": '"payment.failed"'}, other)
    add("type is null, and the event's is not", {**fields, "type": "null"}, other)
    add("type is not null, and the event's is", inline(only_id, type_json=type_json), other)
    add("createdAt differs from the event's", {**fields, "createdAt": '"2026-11-24T06:55:01Z"'}, other)
    add("createdAt is null, and the event's is not", {**fields, "createdAt": "null"}, other)

    mismatched = "body_mismatch"
    add("stored body tampered with", stored(documented), mismatched, body=documented.replace("[1,2]", "[1,3]"))
    add("stored body with a byte more", stored(documented), mismatched, body=documented + "\n")
    add("stored body cut short", stored(documented), mismatched, body=documented[:-1])
    add("stored body empty", stored(documented), mismatched, body="")
    add("another bodySha256", {**stored(documented), "bodySha256": json.dumps("0" * 64)}, mismatched, body=documented)
    add("another bodyKey", {**stored(documented), "bodyKey": '"bodies/1"'}, mismatched, body=documented)
    elsewhere = {**stored(documented), "bodyKey": '"elsewhere/' + stored(documented)["bodyKey"][len('"bodies/') :]}
    add("bodyKey with another prefix", elsewhere, mismatched, body=documented)
    add("bodyBytes over 1 MiB", {**stored(documented), "bodyBytes": "1048577"}, mismatched, body=documented)
    add("another bodyBytes", {**stored(documented), "bodyBytes": "1"}, mismatched, body=documented)
    return vectors


write("hmacs.json", hmacs())
write("signatures.json", signatures())
write("envelopes.json", envelopes())
write("messages.json", messages(), secret=SECRET)
write("diagnoses.json", diagnoses())
