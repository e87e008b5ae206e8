//! Storage: content, and image downloads.

use super::shared::{AS_JSON, NODE, action, fields};
use crate::http::v0::field::{FULL_NAME, Field, HTTP_URL, ISO_FILE, Kind, NAME};
use crate::http::v0::route::{Access, Route};

const STORAGE: Field = Field::new("storage_name", Kind::Text(&NAME), r#""local""#, "The storage");

const fn list(path: &'static str, name: &'static str, summary: &'static str) -> Route {
    action(path, name, "storage", summary, fields![NODE, AS_JSON, STORAGE]).by(Access::VIEWER)
}

pub(super) const ROUTES: &[Route] = &[
    list(
        "/v0/admin/proxmox/storage/storage_name/list_iso",
        "storage_list_iso",
        "Lists the ISO images of a storage.",
    ),
    list(
        "/v0/admin/proxmox/storage/storage_name/list_template",
        "storage_list_template",
        "Lists the container templates of a storage.",
    ),
    list(
        "/v0/admin/proxmox/storage/list",
        "storage_list",
        "Lists the storages of a node; `storage_name` is ignored.",
    ),
    action(
        "/v0/admin/proxmox/storage/download_iso",
        "storage_download_iso",
        "storage",
        "Downloads an ISO image with Proxmox.",
        fields![
            NODE,
            AS_JSON,
            Field::new("proxmox_storage", Kind::Text(&FULL_NAME), r#""local""#, "The storage it goes to"),
            Field::new("iso_file_content_type", Kind::Text(&NAME), r#""iso""#, "The kind of content"),
            Field::new(
                "iso_file_name",
                Kind::Text(&ISO_FILE),
                r#""debian-13.iso""#,
                "The name the file gets"
            ),
            Field::new(
                "iso_url",
                Kind::Text(&HTTP_URL),
                r#""https://images.example.org/debian-13.iso""#,
                "Where it comes from",
            ),
        ],
    )
    .by(Access::ADMIN),
];
