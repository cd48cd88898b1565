// Runs the checks with what the page's import map names, and leaves the report where the test finds it.

import * as cronozen from "cronozen-edge";
import { check } from "./checks.js";
import vectors from "./vectors.js";

globalThis.report = check(cronozen, vectors);
