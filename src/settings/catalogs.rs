//! The catalogs of content that settings name.

use std::collections::BTreeMap;

use content::{
    Catalog,
    catalog::{self, Glob, Places},
};
use model::ProjectName;

use super::{Settings, projects::Project};

impl Settings {
    /// The content outside of all projects.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        Catalog::new(catalog::Options {
            playbooks_roots: self.paths.playbooks_roots(),
            bundles_root: self.paths.public_playbooks.clone(),
            inventory_root: self.paths.inventory.clone(),
            exclude: self.runs.exclude.clone(),
            link_targets: self.paths.link_targets.clone(),
            inventory_scripts: self.inventory_scripts(),
            places: Places::default(),
        })
    }

    /// The content of each project.
    #[must_use]
    pub fn catalogs_of_projects(&self) -> BTreeMap<ProjectName, Catalog> {
        let catalog = |project: &Project| {
            Catalog::new(catalog::Options {
                playbooks_roots: vec![project.root.clone()],
                bundles_root: None,
                inventory_root: project.root.clone(),
                exclude: self.runs.exclude.clone(),
                link_targets: project.link_targets.clone(),
                inventory_scripts: self.inventory_scripts(),
                places: project.places(),
            })
        };
        self.projects.iter().map(|(name, project)| (name.clone(), catalog(project))).collect()
    }

    fn inventory_scripts(&self) -> Vec<Glob> {
        self.ansible.inventory_scripts.iter().filter_map(|text| text.parse().ok()).collect()
    }
}
