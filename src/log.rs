//! The log, written to the console. If a line is a JSON object, Cloudflare reads it as fields.

use web_sys::console;

use cronozen_gateway::log::{Level, Record};

pub(super) fn write(level: Level, record: &Record) {
    let line = record.to_json().into();
    match level {
        Level::Info => console::log_1(&line),
        Level::Warn => console::warn_1(&line),
        Level::Error => console::error_1(&line),
    }
}
