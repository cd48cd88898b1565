//! The core's answer as a Fetch response.

use wasm_bindgen::JsValue;
use web_sys::{Headers, Response, ResponseInit};

use crate::answer::Answer;

pub(super) fn translate(answer: &Answer) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("content-type", answer.content_type)?;
    headers.set("cache-control", "no-store")?;
    if let Some(methods) = answer.allow {
        headers.set("allow", methods)?;
    }
    if let Some(seconds) = answer.retry_after {
        headers.set("retry-after", &seconds.to_string())?;
    }
    let init = ResponseInit::new();
    init.set_status(answer.status);
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(Some(&answer.body), &init)
}
