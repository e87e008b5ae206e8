//! Tests with valid JWTs, and with every way in which one can be invalid.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::{Keys, Rules, key_id, verify};

/// A key pair of an issuer.
struct Issuer(EcdsaKeyPair);

impl Issuer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key"))
    }

    fn keys(&self, id: &str) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "x": text(x), "y": text(y)}]})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", text(header), text(claims));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("signed");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn rules() -> Rules {
    Rules {
        issuer: "https://id.example".to_owned(),
        audience: "rangehand".to_owned(),
        role_claim: "realm_access.roles".to_owned(),
        name_claim: "sub".to_owned(),
        leeway_s: 30,
    }
}

const NOW: i64 = 1_700_000_000;

fn header() -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": "k1"})
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": ["x", "rangehand"], "sub": "ann", "exp": NOW + 60, "nbf": NOW,
        "realm_access": {"roles": ["operator"]}})
}

fn with(mut value: Value, key: &str, to: Value) -> Value {
    value[key] = to;
    value
}

fn without(mut value: Value, key: &str) -> Value {
    value.as_object_mut().expect("an object").remove(key);
    value
}

fn check(issuer: &Issuer, token: &str) -> Result<(String, Vec<String>), &'static str> {
    let keys = Keys::parse(&issuer.keys("k1").to_string()).expect("keys");
    let now = Timestamp::from_second(NOW).expect("a time");
    verify(token, &keys, &rules(), now).map(|bearer| (bearer.name, bearer.groups))
}

#[test]
fn a_token_of_the_issuer_for_us_and_now_names_its_bearer() {
    let issuer = Issuer::new();
    let ann = || Ok(("ann".to_owned(), vec!["operator".to_owned()]));
    assert_eq!(check(&issuer, &issuer.sign(&header(), &claims())), ann());
    let others = [
        with(claims(), "aud", json!("rangehand")),
        with(claims(), "exp", json!(NOW - 29)),
        with(claims(), "nbf", json!(NOW + 30)),
        without(claims(), "nbf"),
        with(claims(), "exp", json!(NOW as f64 + 0.5)),
    ];
    for claims in others {
        assert_eq!(check(&issuer, &issuer.sign(&header(), &claims)), ann(), "{claims}");
    }
    assert_eq!(check(&issuer, &issuer.sign(&without(header(), "kid"), &claims())), ann(), "there is one key");
    let words = with(claims(), "realm_access", json!({"roles": "viewer  admin"}));
    let groups = check(&issuer, &issuer.sign(&header(), &words)).expect("fine").1;
    assert_eq!(groups, ["viewer", "admin"]);
    let none = without(claims(), "realm_access");
    assert_eq!(check(&issuer, &issuer.sign(&header(), &none)).expect("fine").1, Vec::<String>::new());
}

#[test]
fn claims_that_are_not_right_are_refused() {
    let issuer = Issuer::new();
    for (claims, why) in [
        (with(claims(), "exp", json!(NOW - 30)), "it has expired"),
        (without(claims(), "exp"), "it has no end"),
        (with(claims(), "exp", json!("never")), "its times are no numbers"),
        (with(claims(), "nbf", json!(NOW + 31)), "it is not valid yet"),
        (with(claims(), "iss", json!("https://id.example/")), "it is of another issuer"),
        (without(claims(), "iss"), "it is of another issuer"),
        (with(claims(), "aud", json!("other")), "it is for another audience"),
        (with(claims(), "aud", json!([])), "it is for another audience"),
        (without(claims(), "aud"), "it is for another audience"),
        (with(claims(), "sub", json!("")), "it has no name in it"),
        (with(claims(), "sub", json!(7)), "it has no name in it"),
    ] {
        assert_eq!(check(&issuer, &issuer.sign(&header(), &claims)), Err(why), "{claims}");
    }
}

#[test]
fn the_algorithm_is_that_of_the_key_and_not_of_the_token() {
    let issuer = Issuer::new();
    for algorithm in ["none", "None", "HS256", "RS256", "ES384", ""] {
        let token = issuer.sign(&with(header(), "alg", json!(algorithm)), &claims());
        assert_eq!(
            check(&issuer, &token),
            Err("it names another algorithm than its key is for"),
            "{algorithm}"
        );
    }
    let unsigned = issuer.sign(&with(header(), "alg", json!("none")), &claims());
    let unsigned = &unsigned[..=unsigned.rfind('.').expect("a dot")];
    assert!(check(&issuer, unsigned).is_err());
    let token = issuer.sign(&with(header(), "crit", json!(["b64"])), &claims());
    assert_eq!(check(&issuer, &token), Err("it wants something that is not known here"));
}

#[test]
fn tokens_of_another_key_and_changed_tokens_are_rejected() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    assert_eq!(check(&issuer, &other.sign(&header(), &claims())), Err("its signature is wrong"));
    let unknown = issuer.sign(&with(header(), "kid", json!("k2")), &claims());
    assert_eq!(check(&issuer, &unknown), Err("it names a key that the issuer does not have"));
    let token = issuer.sign(&header(), &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let admin = with(claims(), "realm_access", json!({"roles": ["admin"]}));
    let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(admin.to_string()), parts[2]);
    assert_eq!(check(&issuer, &forged), Err("its signature is wrong"));
    for text in ["", "a.b", "a.b.c", "....", &format!("{token}.x"), &format!("{}.{}.", parts[0], parts[1])] {
        assert!(check(&issuer, text).is_err(), "{text}");
    }
    let long = with(claims(), "x", json!("y".repeat(20_000)));
    assert_eq!(check(&issuer, &issuer.sign(&header(), &long)), Err("it is too long"));
    assert_eq!(key_id(&token), Some(Some("k1".to_owned())));
    assert_eq!(key_id("x"), None);
}

#[test]
fn only_kinds_of_tokens_that_give_access_are_taken() {
    let issuer = Issuer::new();
    let of = |kind: Value| check(&issuer, &issuer.sign(&with(header(), "typ", kind), &claims()));
    for kind in ["JWT", "jwt", "at+jwt", "application/at+jwt", "application/JWT"] {
        assert!(of(json!(kind)).is_ok(), "{kind}");
    }
    for kind in [json!("logout+jwt"), json!("dpop+jwt"), json!("secevent+jwt"), json!(""), json!(7)] {
        assert!(of(kind.clone()).is_err(), "{kind}");
    }
    assert!(check(&issuer, &issuer.sign(&without(header(), "typ"), &claims())).is_ok());
}

#[test]
fn a_key_id_is_a_text() {
    let issuer = Issuer::new();
    for id in [json!(7), json!(["k1"]), json!({"k1": 1}), json!(true)] {
        let token = issuer.sign(&with(header(), "kid", id), &claims());
        assert_eq!((key_id(&token), check(&issuer, &token)), (None, Err("it is no JWT")));
    }
}
