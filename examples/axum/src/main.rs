//! An axum server that receives Cronozen's webhooks: `CRONOZEN_SIGNING_SECRET=whsec_… cargo run -p axum-example`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use cronozen_webhook::event::Event;
use cronozen_webhook::signature::{SIGNATURE_HEADER, Secrets, Signature};

/// The largest body. The sender documents no limit, but its events are a hundred times smaller.
const MAX_BODY_BYTES: usize = 128 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secrets = Secrets::parse(&std::env::var("CRONOZEN_SIGNING_SECRET")?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, router(secrets)).await?;
    Ok(())
}

fn router(secrets: Secrets) -> Router {
    Router::new()
        .route("/webhooks/cronozen", post(webhook))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(secrets))
}

/// Verifies a delivery and stores its event. The body must be bytes: JSON that is parsed and written again does not
/// verify.
async fn webhook(
    State(secrets): State<Arc<Secrets>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = headers.get(SIGNATURE_HEADER).map(HeaderValue::as_bytes);
    let verified = Signature::parse(header).and_then(|signature| secrets.verify(&body, signature));
    let Ok(verified) = verified else { return StatusCode::UNAUTHORIZED };
    match Event::read(verified) {
        Ok(event) => store(&event),
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

/// Your code goes here. Store the event before you answer, and only once for each id. After a 2xx, Cronozen never sends
/// it again.
fn store(_event: &Event<'_>) -> StatusCode {
    StatusCode::ACCEPTED
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn status(body: &'static str, signature: Option<String>) -> StatusCode {
        let mut request = Request::post("/webhooks/cronozen");
        if let Some(signature) = signature {
            request = request.header(SIGNATURE_HEADER, signature);
        }
        let request = request.body(Body::from(body)).unwrap();
        let secrets = Secrets::parse("whsec_new whsec_old").unwrap();
        router(secrets).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn only_a_signed_event_is_accepted() {
        let event = r#"{"eventId":"evt_1","type":"payment.completed"}"#;
        let signed = |body: &str, secret| {
            Some(Secrets::new(&[secret]).unwrap().sign(body.as_bytes()).to_string())
        };
        assert_eq!(status(event, signed(event, "whsec_old")).await, StatusCode::ACCEPTED);
        assert_eq!(status(event, signed(event, "whsec_other")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(event, signed("{}", "whsec_new")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(event, None).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status("{}", signed("{}", "whsec_new")).await, StatusCode::BAD_REQUEST);
    }
}
