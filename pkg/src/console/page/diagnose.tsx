// The page that says why a signature does not match. It cannot connect to anything: what is pasted stays in the browser.

import { render } from "preact";
import { Frame } from "./frame.tsx";
import { Heading } from "./parts.tsx";

const app = document.querySelector("#app");
if (app !== null) {
  render(
    <Frame path={location.pathname}>
      <Heading title="Diagnose" />
    </Frame>,
    app,
  );
}
