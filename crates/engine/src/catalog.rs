//! The catalog, off the async threads.

use ansible::{
    catalog::{Entry, Inspection, InventoryInspection, Located},
    workspace::PasswordFile,
};
use model::{ContentKind, ContentName, ContentRef};
use tokio::task::spawn_blocking;

use crate::{Engine, clock, jobs::Error};

impl Engine {
    /// All content of a kind, by name.
    ///
    /// # Errors
    /// When a root cannot be read.
    pub async fn list_content(&self, kind: ContentKind) -> Result<Vec<Entry>, Error> {
        let catalog = self.options().catalog.clone();
        Ok(spawn_blocking(move || catalog.list(kind)).await??)
    }

    /// What a playbook, bundle or scenario would do, and what it lacks.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read.
    pub async fn inspect_content(&self, content: &ContentRef) -> Result<Inspection, Error> {
        let _turn = self.inner.inspections.acquire().await;
        let options = self.options();
        // Encrypted variable files must be read for the list of tasks, too.
        let password = match &options.vault_password {
            Some(password) => {
                Some(PasswordFile::create(&options.runtime, &options.runs, clock::new_run_id(), password)?)
            }
            None => None,
        };
        let mut toolchain = options.toolchain.clone();
        if let Some(file) = &password {
            let path = file.path().to_string_lossy().into_owned();
            toolchain.environment.insert("ANSIBLE_VAULT_PASSWORD_FILE".to_owned(), path);
        }
        Ok(options.catalog.inspect(content, &toolchain).await?)
    }

    /// Groups and hosts of an inventory.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read.
    pub async fn inspect_inventory(&self, name: &ContentName) -> Result<InventoryInspection, Error> {
        let _turn = self.inner.inspections.acquire().await;
        Ok(self.options().catalog.inspect_inventory(name, &self.options().toolchain).await?)
    }

    /// Is there an inventory of this name?
    ///
    /// # Errors
    /// When there is none.
    pub async fn check_inventory(&self, name: ContentName) -> Result<(), Error> {
        self.locate_inventory(name).await.map(drop)
    }

    /// Whether every play of the content stays on one host of a group when it is limited to it; `false` where that cannot
    /// be read.
    pub async fn plays_on_group(&self, content: ContentRef, group: &'static str) -> bool {
        let catalog = self.options().catalog.clone();
        let plays = spawn_blocking(move || catalog.plays_on_group(&content, group)).await;
        matches!(plays, Ok(Ok(true)))
    }

    /// Where the content lies.
    pub(crate) async fn locate(&self, content: ContentRef) -> Result<Located, Error> {
        let catalog = self.options().catalog.clone();
        Ok(spawn_blocking(move || catalog.resolve(&content)).await??)
    }

    /// Where the inventory lies.
    pub(crate) async fn locate_inventory(&self, name: ContentName) -> Result<Located, Error> {
        let catalog = self.options().catalog.clone();
        Ok(spawn_blocking(move || catalog.resolve_inventory(&name)).await??)
    }
}
