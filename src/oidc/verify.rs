//! Whether an ID token is to be believed: OpenID Connect Core §3.1.3.7, and §12.2 for a refreshed one.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, Nonce, OAuth2TokenResponse, RefreshToken,
    SignatureVerificationError, TokenResponse,
};

use super::Provider;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result, root_cause};
use crate::secret::Secret;
use crate::token::{IdToken, Session, TokenSet};

/// How far the provider's clock may be ahead of ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Only signatures by the provider's private key: with a client secret in the hands of every user, an HMAC proves
/// nothing. ES512 is out of the library's reach.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What ties the ID token to what was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// It answers the authorization request with this nonce.
    Nonce(&'a Nonce),
    /// It is a refreshed one, of this subject; there is no nonce to expect then.
    Subject(&'a str),
}

/// Who signed in, as far as the ID token says. Texts from outside: to be escaped for where they go.
#[derive(Debug, Default)]
pub struct Person {
    /// `name`, else `preferred_username`, else `email`, else `sub`.
    pub name: String,
    /// `email`; may be empty.
    pub email: String,
    /// `picture`, if it is an https URL; may be empty.
    pub picture: String,
}

/// Verifies the ID token of a token response.
///
/// # Errors
/// [`ErrorKind::SignIn`] if there is none or it is not to be believed; [`ErrorKind::Unreachable`] if the keys had to
/// be fetched and could not be.
pub async fn accept(
    provider: &Provider,
    settings: &Settings,
    response: &CoreTokenResponse,
    expected: Expected<'_>,
) -> Result<(TokenSet, Person)> {
    let id_token = response.id_token().ok_or_else(|| {
        Error::new(ErrorKind::SignIn, "the provider's token response has no ID token")
            .hint("the client may not be registered for OpenID Connect: ask your administrator")
    })?;
    let (client_id, access_token) = (&settings.client_id, response.access_token());
    let verify = |keys: &CoreJsonWebKeySet| {
        let issuer = provider.metadata.issuer().clone();
        let verifier = CoreIdTokenVerifier::new_public_client(client_id.clone(), issuer, keys.clone());
        verify(id_token, verifier, client_id, access_token, expected)
    };
    let claims = match verify(&provider.keys().await?) {
        Err(error) if may_be_rotation(&error) => verify(&provider.refetch_keys().await?),
        verified => verified,
    };
    let claims = claims.map_err(|error| unbelievable(&error))?;
    let now = Utc::now();
    let session = |refresh_token: &RefreshToken| Session {
        refresh_token: Secret::new(refresh_token.secret().clone()),
        subject: claims.subject().to_string(),
        signed_in_at: now,
    };
    let tokens = TokenSet {
        id_token: IdToken { jwt: Secret::new(id_token.to_string()), issued_at: now, expires_at: claims.expiration() },
        session: response.refresh_token().map(session),
    };
    Ok((tokens, person(claims)))
}

/// The checks of §3.1.3.7 in one place: the library's, and those that it leaves to us.
fn verify<'a>(
    id_token: &'a CoreIdToken,
    verifier: CoreIdTokenVerifier<'_>,
    client_id: &ClientId,
    access_token: &AccessToken,
    expected: Expected<'_>,
) -> std::result::Result<&'a CoreIdTokenClaims, ClaimsVerificationError> {
    let now = Utc::now();
    let verifier = verifier
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || now)
        .set_issue_time_verifier_fn(move |issued_at| not_from_the_future(issued_at, now))
        // Whether further audiences are fine is decided by `azp`, below.
        .set_other_audience_verifier_fn(|_| true);
    let claims = match expected {
        Expected::Nonce(nonce) => id_token.claims(&verifier, nonce)?,
        Expected::Subject(_) => id_token.claims(&verifier, |_: Option<&Nonce>| Ok(()))?,
    };
    if let Expected::Subject(subject) = expected
        && claims.subject().as_str() != subject
    {
        return Err(ClaimsVerificationError::InvalidSubject(format!("'{}'", claims.subject().as_str())));
    }
    check_authorized_party(claims, client_id)?;
    check_access_token_hash(id_token, claims, &verifier, access_token)?;
    Ok(claims)
}

fn not_from_the_future(issued_at: DateTime<Utc>, now: DateTime<Utc>) -> std::result::Result<(), String> {
    match issued_at <= now + LEEWAY {
        true => Ok(()),
        false => {
            Err(format!("the ID token was issued at {issued_at}, which is {} s ahead", (issued_at - now).num_seconds()))
        }
    }
}

/// Steps 3 to 5: a token for several audiences has to name the one it was issued to, and that has to be us.
fn check_authorized_party(
    claims: &CoreIdTokenClaims,
    client_id: &ClientId,
) -> std::result::Result<(), ClaimsVerificationError> {
    let audiences = claims.audiences();
    let others = || {
        audiences.iter().filter(|audience| audience.as_str() != client_id.as_str()).map(|audience| audience.as_str())
    };
    match claims.authorized_party() {
        Some(party) if party == client_id => Ok(()),
        Some(party) => Err(ClaimsVerificationError::InvalidAudience(format!("it was issued to '{}'", party.as_str()))),
        None if others().next().is_none() => Ok(()),
        None => Err(ClaimsVerificationError::InvalidAudience(format!(
            "it is also for '{}' and does not say whom it was issued to",
            others().collect::<Vec<_>>().join("', '")
        ))),
    }
}

/// §3.1.3.8: the ID token and the access token come from the same answer.
fn check_access_token_hash(
    id_token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: &AccessToken,
) -> std::result::Result<(), ClaimsVerificationError> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let actual = id_token
        .signing_alg()
        .and_then(|algorithm| {
            let key = id_token.signing_key(verifier)?;
            AccessTokenHash::from_token(access_token, algorithm, key)
                .map_err(|error| SignatureVerificationError::Other(error.to_string()))
        })
        .map_err(ClaimsVerificationError::SignatureVerification)?;
    match actual == *expected {
        true => Ok(()),
        false => Err(ClaimsVerificationError::Other("at_hash does not fit the access token".into())),
    }
}

/// Whether the provider may have begun to sign with another key since its keys were fetched.
fn may_be_rotation(error: &ClaimsVerificationError) -> bool {
    use SignatureVerificationError::{CryptoError, NoMatchingKey};
    matches!(error, ClaimsVerificationError::SignatureVerification(NoMatchingKey | CryptoError(_)))
}

fn unbelievable(error: &ClaimsVerificationError) -> Error {
    let hint = match error {
        ClaimsVerificationError::Expired(_) => "compare this computer's clock with the real time",
        _ => "the provider's or this client's configuration is wrong: tell your administrator",
    };
    Error::new(ErrorKind::SignIn, format!("the provider's ID token is not to be believed: {}", root_cause(error)))
        .hint(hint)
}

fn person(claims: &CoreIdTokenClaims) -> Person {
    let email = claims.email().map(|email| email.to_string()).unwrap_or_default();
    let name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    let username = claims.preferred_username().map(|name| name.to_string());
    let picture = claims.picture().and_then(|picture| picture.get(None)).map(|picture| picture.to_string());
    let names = [name, username, Some(email.clone()), Some(claims.subject().to_string())];
    Person {
        name: names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or_default(),
        email,
        picture: picture.filter(|picture| picture.starts_with("https://")).unwrap_or_default(),
    }
}
