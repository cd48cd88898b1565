// Runs the checks with the installed package, and prints their report.

import * as cronozen from "cronozen-edge";
import { check } from "./checks.js";
import vectors from "./vectors.js";

console.log(JSON.stringify(await check(cronozen, vectors)));
