//! API tokens.

use jiff::Timestamp;
use model::{Role, Token};

use crate::{database::Database, samples::at};

fn token(id: &str, expires_at: Option<Timestamp>) -> Token {
    Token {
        id: id.to_owned(),
        name: "ci".to_owned(),
        role: Role::Operator,
        hash: std::array::from_fn(|place| u8::try_from(place * 7).expect("small")),
        created_at: at(1),
        expires_at,
        revoked_at: None,
        used_at: None,
    }
}

pub(crate) async fn a_token_reads_back_as_it_was_written(database: Database) {
    let store = &database.store;
    for token in [token("b", Some(at(9))), token("a", None)] {
        store.insert_token(&token).await.expect("inserted");
        assert_eq!(store.token(&token.id).await.expect("read"), Some(token));
    }
    assert_eq!(store.tokens().await.expect("read"), [token("a", None), token("b", Some(at(9)))]);
    assert_eq!(store.token("c").await.expect("read"), None);
    assert!(store.insert_token(&token("a", None)).await.is_err(), "an id is given once");
}

pub(crate) async fn a_token_is_revoked_once_and_stays(database: Database) {
    let store = &database.store;
    store.insert_token(&token("a", None)).await.expect("inserted");
    store.token_used("a", at(3)).await.expect("noted");
    assert!(store.revoke_token("a", at(5)).await.expect("revoked"));
    assert!(!store.revoke_token("a", at(6)).await.expect("revoked"), "the first time counts");
    assert!(!store.revoke_token("x", at(6)).await.expect("revoked"));
    let wanted = Token { revoked_at: Some(at(5)), used_at: Some(at(3)), ..token("a", None) };
    assert_eq!(store.token("a").await.expect("read"), Some(wanted));
}
