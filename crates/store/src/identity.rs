//! The identity of the service that uses a database. All nodes that share the database have the same one.

use crate::{Error, Store};

impl Store {
    /// The name of the service; the proposed one if the database has none yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity(&self, proposed: &str) -> Result<String, Error> {
        let insert = sqlx::query("INSERT INTO identity (id, name) VALUES (1, $1) ON CONFLICT DO NOTHING");
        let mut write = self.write().await?;
        insert.bind(proposed.to_owned()).execute(write.connection()).await?;
        write.commit().await?;
        Ok(sqlx::query_scalar("SELECT name FROM identity").fetch_one(&self.pool).await?)
    }
}
