//! The life of a client certificate: an API server says no more of one that has expired than that it does not know who
//! asks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode as _, Reader, SliceReader, Tag, TagNumber, Tagged as _};
use jiff::Timestamp;
use kube::config::AuthInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The end of the life of a user's client certificate; none where there is none, or none that can be read.
pub(super) fn end(user: &AuthInfo) -> Option<Timestamp> {
    let pem = match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => STANDARD.decode(data.trim()).ok()?,
        (None, Some(path)) => std::fs::read(path).ok()?,
        (None, None) => return None,
    };
    let certificate = CertificateDer::from_pem_slice(&pem).ok()?;
    not_after(&certificate).ok()
}

/// `notAfter` of a certificate (RFC 5280, section 4.1).
fn not_after(certificate: &[u8]) -> der::Result<Timestamp> {
    let mut outer = SliceReader::new(certificate)?;
    let whole = AnyRef::decode(&mut outer)?;
    let mut whole = SliceReader::new(whole.value())?;
    let body = AnyRef::decode(&mut whole)?;
    let mut body = SliceReader::new(body.value())?;
    let first = AnyRef::decode(&mut body)?;
    // The version is there in all but version 1; then follow serial number, algorithm, issuer.
    let version = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    for _ in 0..if first.tag() == version { 3 } else { 2 } {
        AnyRef::decode(&mut body)?;
    }
    let validity = AnyRef::decode(&mut body)?;
    let mut validity = SliceReader::new(validity.value())?;
    time(&mut validity)?;
    time(&mut validity)
}

fn time<'a>(reader: &mut impl Reader<'a>) -> der::Result<Timestamp> {
    let time = AnyRef::decode(reader)?;
    let since = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_err(|_| der::ErrorKind::DateTime.into())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use kube::config::AuthInfo;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::end;

    fn user(year: i32) -> AuthInfo {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 2);
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        AuthInfo { client_certificate_data: Some(STANDARD.encode(pem)), ..AuthInfo::default() }
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_of_time() {
        for year in [2024, 2077] {
            assert_eq!(end(&user(year)).unwrap().to_string(), format!("{year}-01-02T00:00:00Z"));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let user = |text: &str| AuthInfo { client_certificate_data: Some(text.to_owned()), ..AuthInfo::default() };
        for text in
            ["", "!", "AAAA", &STANDARD.encode("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")]
        {
            assert_eq!(end(&user(text)), None, "{text}");
        }
        assert_eq!(end(&AuthInfo::default()), None);
    }
}
