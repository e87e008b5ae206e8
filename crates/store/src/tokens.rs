//! API tokens, by their public part.

use jiff::Timestamp;
use model::Token;
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{hex, parsed, text, time, time_or_null},
};

impl Store {
    /// Keeps a new token.
    ///
    /// # Errors
    /// When the database fails, or there is a token of that id.
    pub async fn insert_token(&self, token: &Token) -> Result<(), Error> {
        let insert = sqlx::query(
            "INSERT INTO tokens (id, name, role, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let insert = insert
            .bind(token.id.as_str())
            .bind(token.name.as_str())
            .bind(token.role.as_str())
            .bind(hex(&token.hash))
            .bind(token.created_at.as_millisecond())
            .bind(token.expires_at.map(Timestamp::as_millisecond));
        let mut write = self.write().await?;
        insert.execute(write.connection()).await?;
        write.commit().await
    }

    /// The token of that id, whether it is still good or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, id: &str) -> Result<Option<Token>, Error> {
        let select = sqlx::query("SELECT * FROM tokens WHERE id = $1").bind(id.to_owned());
        select.fetch_optional(&self.pool).await?.as_ref().map(read).transpose()
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let rows = sqlx::query("SELECT * FROM tokens ORDER BY created_at, id").fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// Revokes a token. Was there an active one?
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let update = sqlx::query("UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
        let mut write = self.write().await?;
        let update = update.bind(now.as_millisecond()).bind(id.to_owned());
        let changed = update.execute(write.connection()).await?.rows_affected();
        write.commit().await?;
        Ok(changed > 0)
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_used(&self, id: &str, now: Timestamp) -> Result<(), Error> {
        let update = sqlx::query("UPDATE tokens SET used_at = $1 WHERE id = $2");
        let mut write = self.write().await?;
        update.bind(now.as_millisecond()).bind(id.to_owned()).execute(write.connection()).await?;
        write.commit().await
    }
}

fn read(row: &AnyRow) -> Result<Token, Error> {
    Ok(Token {
        id: text(row, "id")?,
        name: text(row, "name")?,
        role: parsed(row, "role")?,
        hash: hash(row)?,
        created_at: time(row, "created_at")?,
        expires_at: time_or_null(row, "expires_at")?,
        revoked_at: time_or_null(row, "revoked_at")?,
        used_at: time_or_null(row, "used_at")?,
    })
}

fn hash(row: &AnyRow) -> Result<[u8; 32], Error> {
    let digits = text(row, "hash")?;
    let byte = |place: usize| digits.get(2 * place..2 * place + 2).map(|two| u8::from_str_radix(two, 16));
    let mut hash = [0; 32];
    for (place, into) in hash.iter_mut().enumerate() {
        match byte(place) {
            Some(Ok(byte)) => *into = byte,
            _ => return Err(Error::Unreadable { column: "hash", source: "no 64 hexadecimal digits".into() }),
        }
    }
    Ok(hash)
}
