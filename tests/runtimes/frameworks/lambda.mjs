// Serves a Lambda function as its function URL does: each request becomes an event in format 2.0.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { handler } from "./lambda-function.js";

/** Lambda encodes a body in base64 unless its type says that it is text. */
const text = /^(text\/|application\/(json|javascript|xml))/;

createServer(async (request, response) => {
  try {
    const { statusCode, body } = await handler(await eventOf(request));
    response.writeHead(statusCode).end(body);
  } catch (error) {
    console.error("the function failed", error);
    response.writeHead(502).end();
  }
}).listen(Number(process.argv[2]), "127.0.0.1");

/** @param {import("node:http").IncomingMessage} request */
async function eventOf(request) {
  const body = await buffer(request);
  const isBase64Encoded = body.length > 0 && !text.test(request.headers["content-type"] ?? "");
  const event = {
    version: "2.0",
    rawPath: request.url,
    headers: request.headers,
    requestContext: { http: { method: request.method } },
    body: body.length > 0 ? body.toString(isBase64Encoded ? "base64" : "utf8") : undefined,
    isBase64Encoded,
  };
  return JSON.parse(JSON.stringify(event));
}
