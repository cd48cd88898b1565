// A captured delivery: the body's bytes and the signature, from a raw HTTP request.

import { Failure } from "./output.ts";

/** A delivery, as somebody has captured it. */
export interface Capture {
  readonly body: Uint8Array;
  /** The value of the signature's header, if there is one. */
  readonly signature: string | undefined;
  /** Sentences about what is odd in the capture itself. */
  readonly notes: readonly string[];
}

const signatureHeader = "x-cronozen-signature";

/** The expected form of the input, for a failure. */
export const expectedInput =
  "a raw request is expected (its head, a blank line, its body), or a curl command with --data-binary";

/** The start of a chunk: its length in hexadecimal digits. */
const chunkStart = /^[0-9a-f]{1,8}(;[^\r\n]*)?\r?\n/i;

/** Returns a capture's text without what stands before it: a byte order mark, and blank lines. */
export function withoutStart(input: Buffer): Buffer {
  if (isUtf16(input)) {
    throw new Failure("input in UTF-16, as PowerShell's > writes it: capture the request again, and save it as UTF-8");
  }
  const [start = ""] = /^(\xef\xbb\xbf)?([ \t\r\n]*\n)?/.exec(input.toString("latin1")) ?? [];
  return input.subarray(start.length);
}

/** Returns true if a file starts with a byte order mark of UTF-16. */
export function isUtf16(input: Buffer): boolean {
  return /^(\xff\xfe|\xfe\xff)/.test(input.toString("latin1", 0, 2));
}

/** Reads a raw HTTP request. Lines may end with LF alone, as editors save them. */
export function readRequest(input: Buffer): Capture {
  // Each character is a byte, so that the body stays as it is.
  const text = input.toString("latin1");
  const [blank] = /\r?\n\r?\n/.exec(text) ?? [];
  if (blank === undefined) {
    throw new Failure(`request incomplete: there is no blank line, so no body: ${expectedInput}`);
  }
  const end = text.indexOf(blank);
  const headers = readHead(text.slice(0, end));
  const rest = input.subarray(end + blank.length);
  const { body, note } = withinLength(rest, headers.get("content-length"));
  const notes = note === undefined ? [] : [note];
  if (headers.get("transfer-encoding")?.toLowerCase().includes("chunked") && chunkStart.test(body.toString("latin1"))) {
    notes.push("The body is still chunked: the lengths between its parts are not part of it. Capture it decoded.");
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== undefined && encoding !== "identity") {
    notes.push("The body is compressed, and the signature is that of the decompressed body. Capture it decompressed.");
  }
  return { body, signature: headers.get(signatureHeader), notes };
}

/** Returns the signature in headers such as `X-Cronozen-Signature: 5f…`. */
export function signatureIn(lines: readonly string[]): string | undefined {
  return headersIn(lines).get(signatureHeader);
}

/** Reads a head, with or without its request line. */
function readHead(head: string): Map<string, string> {
  const lines = head.split(/\r?\n/);
  const [first = ""] = lines;
  if (/^HTTP\/\d/.test(first)) {
    throw new Failure(`input an answer, not a request: ${expectedInput}`);
  }
  const headerLines = /^[A-Z]+ \S+( HTTP\/[\d.]+)?$/.test(first) ? lines.slice(1) : lines;
  if (headerLines.some((line) => !/^[\w!#$%&'*+.^`|~-]+:/.test(line))) {
    const isVerbose = lines.some((line) => /^[*<>] /.test(line));
    throw new Failure(
      isVerbose
        ? `input the output of curl -v, which leaves out the body: ${expectedInput}`
        : `input not a request: ${expectedInput}`,
    );
  }
  return headersIn(headerLines);
}

/** Returns headers by their names in lower case. Several of one name are joined, as in the Fetch API. */
function headersIn(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^:]+):[ \t]*(.*?)[ \t]*$/s.exec(line) ?? [];
    const earlier = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return headers;
}

/** Cuts off the white space that an editor has added after the body, if the head says how long the body is. */
function withinLength(rest: Buffer, header: string | undefined): { body: Buffer; note?: string } {
  if (header === undefined || !/^\d+$/.test(header)) {
    return { body: rest };
  }
  const length = Number(header);
  if (rest.length === length) {
    return { body: rest };
  }
  const added = rest.toString("latin1", length);
  // A line break across the length was changed, not added.
  const isAcross = added.startsWith("\n") && rest[length - 1] === 0x0d;
  if (/^[ \t\r\n]+$/.test(added) && !isAcross) {
    return {
      body: rest.subarray(0, length),
      note: `The input has ${rest.length} bytes after the head. By its Content-Length, the body is the first ${length}.`,
    };
  }
  // The change may be anywhere in the body, so the diagnosis needs all of it.
  const change = rest.length > length ? "longer than it was sent" : "incomplete or changed";
  return {
    body: rest,
    note: `The body has ${rest.length} bytes, and its Content-Length says ${length}: the capture is ${change}.`,
  };
}
