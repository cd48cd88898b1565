// Interrupts this process when the process that started it has ended.

import { endWithAncestors } from "../pkg/src/cli/ancestors.js";

endWithAncestors();
