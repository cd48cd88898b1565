// Answers the console's pages and what they load. They hold no data, so they need no credential.

import assets from "./console-assets.js";
import { guarded, Problem } from "./problem.ts";

/** The paths of views, below the mount path. */
const viewPath = /^\/((deliveries|dead-letters|incidents)(\/\d{1,15})?|events?|audit)?$/;

/** This view is a document of its own: it may connect to nothing, so a pasted secret cannot leave it. */
const diagnosePath = "/diagnose";

const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

/** Scripts and styles come from this host alone, and nothing in the page's text runs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

/** An asset's name has its hash. */
const assetHeaders = {
  "cache-control": "public, max-age=31536000, immutable",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/**
 * Answers a path below the mount path that is not the API's.
 *
 * @throws Problem if the method is wrong, or there is no such asset
 */
export function page({ method }: Request, mount: string, path: string): Response {
  if (method !== "GET" && method !== "HEAD") {
    throw new Problem(405, "method_not_allowed", "method not allowed: send GET", { allow: "GET, HEAD" });
  }
  const response = path.startsWith("/assets/") ? asset(path.slice("/assets/".length)) : document(mount, path);
  return method === "HEAD" ? new Response(null, response) : response;
}

function asset(name: string): Response {
  const found = Object.values(assets).find((one) => one.name === name);
  if (found === undefined) {
    throw new Problem(404, "not_found", "no such file: reload the page, which may be of an earlier deployment");
  }
  const [, extension] = name.split(".");
  const type = types[extension as keyof typeof types];
  return new Response(found.text, { headers: { "content-type": `${type}; charset=utf-8`, ...assetHeaders } });
}

function document(mount: string, path: string): Response {
  const isDiagnosis = path === diagnosePath;
  const status = isDiagnosis || viewPath.test(path) ? 200 : 404;
  const script = isDiagnosis ? assets.diagnose : assets.main;
  const url = ({ name }: { readonly name: string }) => `${mount}/assets/${name}`;
  // The mount path has no character that needs to be escaped.
  const html = `<!doctype html>
<html lang="en" data-mount="${mount}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Cronozen Edge</title>
<link rel="icon" href="${url(assets.icon)}">
<link rel="stylesheet" href="${url(assets.style)}">
<script type="module" src="${url(script)}"></script>
<div id="app">
<p class="late">The page has not started. Reload it: a new version may have been deployed just now. It needs JavaScript, and
Chrome or Edge 123, Firefox 124, Safari 17.5, or later. The admin API is under ${mount}/api/.
</div>
</html>
`;
  const connect = isDiagnosis ? "connect-src 'none'" : "connect-src 'self'";
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      ...guarded,
      "content-security-policy": [...policy, connect].join("; "),
    },
  });
}
