//! A file that a platform team publishes for its users. It decides where they sign in, so it comes from the address that
//! they gave and from no other.

use url::Url;

use super::body::refused;
use super::http::HttpClient;
use super::limits::Limits;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Tls;

/// Gets the file. Redirects are not followed.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if there is no response or a redirect, [`ErrorKind::Failed`] for one without the file.
pub async fn fetch_published(url: &Url, tls: &Tls) -> Result<Vec<u8>> {
    let answer = HttpClient::new(tls, Limits::USUAL)?.get_here(url).await;
    let answer = answer.map_err(|error| {
        let error = Error::from(error);
        match error.kind() {
            ErrorKind::Unreachable => {
                error.hint("check the network and the address, which your platform team gave you")
            }
            _ => error,
        }
    })?;
    match answer.status().as_u16() {
        200 => Ok(answer.into_body()),
        _ => Err(Error::new(ErrorKind::Failed, format!("{url} returned {}", refused(&answer)))
            .hint("check the address, which your platform team gave you")),
    }
}
