//! The log, written to the console. If a line is a JSON object, Cloudflare reads it as fields.

use wasm_bindgen::prelude::wasm_bindgen;

use cronozen_gateway::log::{Level, Record};

#[wasm_bindgen(raw_module = "./log.js")]
extern "C" {
    /// Writes a line. `level` is the name of a method of `console`.
    #[wasm_bindgen(js_name = writeLine)]
    fn write_line(level: &str, line: &str, is_unsigned: bool);
}

pub(super) fn write(level: Level, record: &Record) {
    let level = match level {
        Level::Info => "log",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    write_line(level, &record.to_json(), record.is_unsigned());
}
