//! A database has one identity.

use crate::database::Database;

pub(crate) async fn the_first_identity_stays(database: Database) {
    let store = &database.store;
    let proposals = ["one", "two", "three", "four"];
    let [one, two, three, four] = proposals.map(|name| store.identity(name));
    let found = tokio::join!(one, two, three, four);
    let found = [found.0, found.1, found.2, found.3].map(|name| name.expect("an identity"));
    assert!(proposals.contains(&found[0].as_str()), "{found:?}");
    assert!(found.iter().all(|name| *name == found[0]), "all nodes have the same: {found:?}");
    assert_eq!(store.identity("later").await.expect("an identity"), found[0]);
}
