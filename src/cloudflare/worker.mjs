import { initSync, fetch as serve } from "./index.js";
import module from "./index_bg.wasm";

initSync({ module });

export default {
  fetch(request, env, ctx) {
    return serve(request, env, ctx);
  },
};
