"""The vectors of diagnoses.json: a received body, a header and configured secrets, each with mistakes.

`expect` has the findings in their order, and the position of the secret with which the verifier accepts the delivery.
If the signature is explained, `signed` and `keyHex` are what the proof must give: the body that was signed, and
the key.

A finding is written here as its code, then the party (`:signer`) if both can make the mistake, then the secret's
position (`@1`) if it is not 0, then `?` if it has no proof although the signature is explained.
"""

import base64
import hashlib
import hmac
import json
import re

SECRET = "whsec_4f9d0c1b7a6e5d8c3b2a1f0e9d8c7b6a"
OLD_SECRET = "whsec_00112233445566778899aabbccddeeff"
OTHER_SECRET = "whsec_ffffffffffffffffffffffffffffffff"
DIGITS = SECRET[len("whsec_") :]

COMPACT = '{"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:00.120Z","amount":49.00}'
# A value for each escape, with keys that are not sorted.
RICH = {
    "type": "payment.completed",
    "eventId": "evt_1",
    "url": "https://example.com/?a=1&b=<2>",
    "note": "Z\u00fcrich \U0001f512 \"it's\" \\ \n\t\u0001 \u2028",
    "list": [1, [], {}, {"b": True, "a": None}],
}

# The side that makes a mistake, if only one can.
PARTIES = {
    "signature_prefix": "signer",
    "signature_base64": "signer",
    "signature_upper_case": "signer",
    "secret_missing": "receiver",
    "secret_count": "receiver",
    "secret_list": "receiver",
    "secret_wrapped": "receiver",
    "secret_assignment": "receiver",
    "secret_decoded": "signer",
    "body_timestamped": "signer",
}


def finding(text, is_explained):
    code, party, position, unproven = re.fullmatch(r"(\w+)(?::(\w+))?(?:@(\w+))?(\?)?", text).groups()
    found = {"code": code, "proven": is_explained and not unproven}
    party = party or PARTIES.get(code)
    if party:
        found["party"] = party
    if code.startswith("secret_") and position != "none":
        found["position"] = int(position or 0)
    return found


def hmac_hex(key, body):
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def diagnoses():
    vectors = []

    def part(body):
        try:
            return [{"text": body.decode()}] if body else []
        except UnicodeDecodeError:
            return [{"hex": body.hex()}]

    def add(
        name,
        codes,
        received=COMPACT,
        signed=None,
        key=SECRET,
        secrets=(SECRET,),
        header=str,
        verified=None,
        is_explained=True,
    ):
        received, signed, key = (
            value.encode() if isinstance(value, str) else value
            for value in (received, received if signed is None else signed, key)
        )
        signature = header(hmac_hex(key, signed))
        findings = [finding(code, is_explained) for code in codes]
        expect = {"findings": findings, "verified": verified}
        if is_explained:
            expect |= {"signed": part(signed), "keyHex": key.hex()}
        vector = {"name": name, "secrets": list(secrets), "body": part(received), "signature": signature}
        vectors.append({**vector, "expect": expect})

    def unexplained(name, codes, **fields):
        add(name, codes, is_explained=False, **fields)

    def as_base64(digits):
        return base64.b64encode(bytes.fromhex(digits)).decode()

    both = (SECRET, OLD_SECRET)
    add("right signature", [], verified=0)
    add("right signature of the newest of two secrets", [], secrets=both, verified=0)
    add("right signature of an empty body", [], received="", verified=0)
    add("right signature of a body that is not JSON", [], received=b"\xff\x00", verified=0)
    add("signed with the previous secret", ["secret_previous@1"], secrets=both, key=OLD_SECRET, verified=1)
    add("the same secret twice", [], secrets=(SECRET, SECRET), verified=0)
    joined = f"{SECRET},{OLD_SECRET}"
    add("right signature of a secret that looks like a list", [], secrets=(joined,), key=joined, verified=0)

    # The header.
    unexplained("no header", ["signature_missing"], header=lambda _: None)
    unexplained("empty header", ["signature_empty"], header=lambda _: "")
    for name, prefix in (("sha256=", "sha256="), ("SHA256:", "SHA256:"), ("v1=", "v1="), ("v1,", "v1,")):
        add(f"header with {name}", ["signature_prefix"], header=lambda digits, prefix=prefix: prefix + digits)
    add("header with t= and v1=", ["signature_prefix"], header=lambda digits: f"t=1700000000,v1={digits}")
    add("header with spaces in its list", ["signature_prefix"], header=lambda digits: f"t=1700000000, v1={digits}")
    add("header in base64", ["signature_base64"], header=as_base64)
    add("header in base64 without padding", ["signature_base64"], header=lambda digits: as_base64(digits)[:-1])
    urlsafe = lambda digits: base64.urlsafe_b64encode(bytes.fromhex(digits)).decode()
    add("header in base64url", ["signature_base64"], header=urlsafe)
    add("header in upper case", ["signature_upper_case"], header=str.upper)
    add("header with a line break", ["signature_surrounded"], header=lambda digits: digits + "\n")
    add("header in quotation marks", ["signature_surrounded"], header=lambda digits: f'"{digits}"')
    all_three = ["signature_surrounded", "signature_prefix", "signature_upper_case"]
    add("header with three mistakes", all_three, header=lambda digits: f' "sha256={digits.upper()}" ')
    other = "0" * 64
    for name, header in (
        ("a header sent twice", lambda digits: f"{digits}, {digits}"),
        ("a header sent after another", lambda digits: f"{other}, {digits}"),
        ("a header sent after an empty one", lambda digits: f", {digits}"),
        ("a header sent before an empty one", lambda digits: f"{digits},"),
    ):
        add(name, ["signature_repeated"], header=header)
    several = lambda digits: f"t=1700000000,v1={other},v1={digits}"
    add("header with two v1=", ["signature_prefix"], header=several)
    fourth = lambda digits: ",".join([*[f"v1={other}"] * 3, f"v1={digits}"])
    add("header with four v1=", ["signature_prefix"], header=fourth)
    fifth = lambda digits: ",".join([*[f"v1={other}"] * 4, f"v1={digits}"])
    unexplained("header with five v1=", ["signature_prefix", "unexplained"], header=fifth)
    unexplained("another signature twice", ["signature_repeated", "unexplained"], header=lambda _: f"{other}, {other}")
    add("header beside something else", ["signature_length"], header=lambda digits: f"{digits}, other")
    add("header with 0x", ["signature_prefix"], header=lambda digits: "0x" + digits)
    of_digits = lambda digits: base64.b64encode(digits.encode()).decode()
    add("header in base64 of the digits", ["signature_base64"], header=of_digits)
    unexplained("header cut off", ["signature_length"], header=lambda digits: digits[:63])
    unexplained("header cut off at 43 digits", ["signature_length"], header=lambda digits: digits[:43])
    unexplained("header with a wrong character", ["signature_character"], header=lambda digits: digits[:-1] + "g")

    # The secrets.
    unexplained("no secret", ["secret_missing@none"], secrets=())
    unexplained("blank secret", ["secret_missing"], secrets=(" \n",))
    white_space, quoted = ["secret_white_space:receiver"], ["secret_quoted:receiver"]
    add("configured with a line break", white_space, secrets=(SECRET + "\n",))
    add("configured with spaces around", white_space, secrets=(f" {SECRET} ",))
    add("configured with quotation marks", quoted, secrets=(f'"{SECRET}"',))
    add("configured with apostrophes and a line break", white_space + quoted, secrets=(f"'{SECRET}'\n",))
    invisible = "\ufeff" + SECRET
    add("byte order mark before the secret", ["secret_invisible_character:receiver"], secrets=(invisible,))
    signed_white_space, signed_quoted = ["secret_white_space:signer"], ["secret_quoted:signer"]
    add("signed with LF after the secret", signed_white_space, key=SECRET + "\n")
    add("signed with CRLF after the secret", signed_white_space, key=SECRET + "\r\n")
    add("signed with a space after the secret", signed_white_space, key=SECRET + " ")
    add("signed with quotation marks", signed_quoted, key=f'"{SECRET}"')
    add("signed with apostrophes", signed_quoted, key=f"'{SECRET}'")
    for name, text, codes in (
        ("the line break", SECRET + "\n", ["secret_white_space"]),
        ("the quotation marks", f'"{SECRET}"', ["secret_quoted"]),
        ("the byte order mark", invisible, ["secret_invisible_character"]),
        ("quotation marks and a line break", f'"{SECRET}"\n', ["secret_white_space", "secret_quoted"]),
    ):
        both_sides = [f"{code}:{party}" for party in ("receiver", "signer") for code in codes]
        add(f"both have {name}", both_sides, secrets=(text,), key=text)
    one_side = white_space + ["secret_quoted:receiver", "secret_quoted:signer"]
    add("both have quotation marks, one a line break", one_side, secrets=(f'"{SECRET}"\n',), key=f'"{SECRET}"')
    decoded = ["secret_decoded"]
    whole = "c2VjcmV0IG9mIHRoZSBzaWduZXI="
    add("decoded from hexadecimal digits after the prefix", decoded, key=bytes.fromhex(DIGITS))
    add("decoded from base64 after the prefix", decoded, key=base64.b64decode(DIGITS))
    add("decoded from base64url with the prefix", decoded, key=base64.urlsafe_b64decode(SECRET + "=="))
    add("decoded from base64, no prefix", decoded, secrets=(whole,), key=base64.b64decode(whole))
    add("decoded from hexadecimal digits, no prefix", decoded, secrets=(DIGITS,), key=bytes.fromhex(DIGITS))
    add("signed without the prefix", ["secret_prefix_removed:signer"], key=DIGITS)
    add("configured without the prefix", ["secret_prefix_removed:receiver"], secrets=(DIGITS,))
    add("several secrets in one text", ["secret_list"], secrets=(f"{SECRET}\n{OLD_SECRET}\n",), key=OLD_SECRET)
    add("blank secret before the right one", ["secret_missing?"], secrets=("", SECRET))
    add("another secret has white space", ["secret_white_space:receiver@1?"], secrets=(SECRET, OLD_SECRET + "\n"))
    add("the same secret with white space before it", ["secret_white_space:receiver?"], secrets=(SECRET + "\n", SECRET))
    add("nine secrets", ["secret_count@none?"], secrets=(SECRET, *[OLD_SECRET] * 8))
    lists = ["secret_list"]
    add("secrets separated by commas", lists, secrets=(f"{SECRET},{OLD_SECRET}",), key=OLD_SECRET)
    add("quoted secrets separated by commas", lists, secrets=(f'"{SECRET}", "{OLD_SECRET}"',), key=OLD_SECRET)
    unexplained(
        "secrets separated by commas, and another",
        [*lists, "unexplained"],
        secrets=(f"{SECRET},{OLD_SECRET}",),
        key=OTHER_SECRET,
    )
    wrapped = f"{SECRET[:20]}\n  {SECRET[20:]}"
    add("a secret that was wrapped", ["secret_wrapped"], secrets=(wrapped,))
    unexplained("a secret that was wrapped, and another", [*lists, "unexplained"], secrets=(wrapped,), key=OTHER_SECRET)
    line = ["secret_assignment"]
    for text in (
        f"CRONOZEN_SIGNING_SECRET={SECRET}",
        f"export CRONOZEN_SIGNING_SECRET={SECRET}\n",
        f'CRONOZEN_SIGNING_SECRET="{SECRET}"',
        f"CRONOZEN_SIGNING_SECRET = '{SECRET}'",
    ):
        add(f"a line as the secret: {text.replace(SECRET, '...').strip()}", line, secrets=(text,))
    unexplained("a line as the secret, and another", [*line, "unexplained"], secrets=(f"A={SECRET}",), key=OTHER_SECRET)
    previous = ["secret_prefix_removed:signer@1", "secret_previous@1"]
    add("previous secret without its prefix", previous, secrets=both, key=OLD_SECRET[6:])

    # The body.
    styles = {
        "compact": {"separators": (",", ":"), "ensure_ascii": False},
        "spaced, not escaped": {"ensure_ascii": False},
        "as Python writes it": {},
        "indented by 2 spaces": {"indent": 2, "ensure_ascii": False},
        "indented by 4 spaces": {"indent": 4},
        "indented by tabs": {"indent": "\t"},
        "sorted": {"separators": (",", ":"), "sort_keys": True},
        "sorted and indented": {"indent": 2, "sort_keys": True},
    }
    texts = {name: json.dumps(RICH, **style) for name, style in styles.items()}
    compact = texts["compact"]
    escaped = json.dumps(RICH, separators=(",", ":"))
    texts["as PHP writes it"] = escaped.replace("/", "\\/")
    texts["as PHP writes it, not escaped"] = compact.replace("/", "\\/")
    go = compact
    for character in "<>&\u2028":
        go = go.replace(character, f"\\u{ord(character):04x}")
    texts["as Go writes it"] = go
    net = escaped.replace('\\"', "\\u0022").replace("'", "\\u0027")
    for character in "<>&":
        net = net.replace(character, f"\\u{ord(character):04x}")
    for digits in ("00fc", "d83d", "dd12", "003c", "003e"):
        net = net.replace(f"\\u{digits}", f"\\u{digits.upper()}")
    texts["as .NET writes it"] = net
    texts["compact, with a line break"] = compact + "\n"
    texts["indented, with CRLF"] = json.dumps(RICH, indent=2).replace("\n", "\r\n")
    windows_file = texts["indented by 4 spaces"].replace("\n", "\r\n") + "\r\n"
    texts["indented by 4 spaces, with CRLF and a line break"] = windows_file
    texts["indented, with a line break"] = json.dumps(RICH, indent=2) + "\n"
    for name, signed in texts.items():
        received = texts["as Python writes it"] if name.startswith("compact") else compact
        add(f"signed body is {name}", ["body_reserialised"], received=received, signed=signed)
    marked = ["body_byte_order_mark", "body_reserialised"]
    with_mark = "\ufeff" + texts["indented by tabs"]
    add("byte order mark before a body written again", marked, received=with_mark, signed=compact)
    add("numbers are kept", ["body_reserialised"], received='{ "a": [49.00, 1E+2, -0] }', signed='{"a":[49.00,1E+2,-0]}')
    surrogate = '{"a":"\\ud800"}'
    add("lone surrogate", ["body_reserialised"], received=surrogate.replace(":", ": "), signed=surrogate)
    newline = ["body_trailing_newline"]
    for name, end in (("LF", "\n"), ("CRLF", "\r\n")):
        add(f"{name} added at the end", newline, received=COMPACT + end, signed=COMPACT)
        add(f"{name} lost at the end", newline, received=COMPACT, signed=COMPACT + end)
    unix, windows = '{\n"eventId":"evt_1"\n}\n', '{\r\n"eventId":"evt_1"\r\n}\r\n'
    add("CRLF for LF", ["body_line_breaks"], received=windows, signed=unix)
    add("LF for CRLF", ["body_line_breaks"], received=unix, signed=windows)
    mark = ["body_byte_order_mark"]
    add("byte order mark added", mark, received="\ufeff" + COMPACT, signed=COMPACT)
    add("byte order mark lost", mark, received=COMPACT, signed="\ufeff" + COMPACT)
    city = '{"eventId":"evt_1","city":"Z\u00fcrich"}'
    latin1 = ["body_latin1"]
    add("UTF-8 decoded as Latin-1", latin1, received=city.encode().decode("latin1"), signed=city)
    add("Latin-1 sent, UTF-8 signed", latin1, received=city.encode("latin1"), signed=city)
    add("UTF-8 sent, Latin-1 signed", latin1, received=city, signed=city.encode("latin1"))
    add("signature of an empty body", ["body_empty:signer"], signed="")
    unexplained("nothing was read", ["body_empty:receiver"], received="", signed=COMPACT)
    for name, stamp in (
        ("createdAt", "2026-11-24T06:55:00.120Z"),
        ("createdAt in seconds", "1795503300"),
        ("createdAt in milliseconds", "1795503300120"),
    ):
        add(f"signed after {name}", ["body_timestamped"], signed=f"{stamp}.{COMPACT}")
    listed = lambda digits: f"t=1700000000,v1={digits}"
    stamped = ["signature_prefix", "body_timestamped"]
    add("signed after the header's time stamp", stamped, signed=f"1700000000.{COMPACT}", header=listed)

    # Several at once.
    three = ["signature_base64", "secret_white_space:receiver", "body_trailing_newline"]
    secrets = (f" {SECRET}\n",)
    add("base64, trimmed secret, added newline", three, COMPACT + "\n", COMPACT, secrets=secrets, header=as_base64)
    prefixed = lambda digits: "sha256=" + digits
    php = ["signature_prefix", "secret_prefix_removed:signer", "body_reserialised"]
    add("prefix, removed prefix, PHP", php, compact, texts["as PHP writes it"], key=DIGITS, header=prefixed)
    old = ["secret_decoded@1", "secret_previous@1", "body_byte_order_mark"]
    key = bytes.fromhex(OLD_SECRET[6:])
    add("previous secret decoded, mark lost", old, signed="\ufeff" + COMPACT, secrets=both, key=key)

    nothing = ["unexplained"]
    unexplained("another registration's secret", nothing, key=OTHER_SECRET)
    unexplained("upper case, and another secret", ["signature_upper_case", *nothing], key=OTHER_SECRET, header=str.upper)
    trimmed = [*white_space, *nothing]
    unexplained("white space, and another secret", trimmed, key=OTHER_SECRET, secrets=(SECRET + "\n",))
    unexplained("number that was normalised", nothing, received=COMPACT, signed=COMPACT.replace("49.00", "49"))
    unexplained("value that was altered", nothing, received=COMPACT, signed=COMPACT.replace("evt_1", "evt_2"))
    return vectors
