//! Maps gateway groups and JWT claims to roles.

use model::Role;

/// The groups of each role.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Groups with read-only access.
    pub viewer: Vec<String>,
    /// Groups that can run jobs.
    pub operator: Vec<String>,
    /// Groups with full access.
    pub admin: Vec<String>,
    /// The role of who is in none of them.
    pub default: Option<Role>,
}

impl Groups {
    /// The highest role of these groups.
    pub(super) fn role<'a>(&self, of: impl IntoIterator<Item = &'a str>) -> Option<Role> {
        let role = |group: &str| {
            let has = |groups: &[String]| groups.iter().any(|known| known == group);
            [(Role::Admin, &self.admin), (Role::Operator, &self.operator), (Role::Viewer, &self.viewer)]
                .into_iter()
                .find_map(|(role, groups)| has(groups).then_some(role))
        };
        of.into_iter().filter_map(role).max().or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_role_counts_and_an_unknown_group_has_none() {
        let groups = Groups {
            viewer: vec!["guests".to_owned()],
            operator: vec!["staff".to_owned()],
            admin: vec!["root".to_owned()],
            default: None,
        };
        assert_eq!(groups.role(["guests", "staff", "x"]), Some(Role::Operator));
        assert_eq!(groups.role(["root", "guests"]), Some(Role::Admin));
        assert_eq!(groups.role(["Root", ""]), None);
        let with_default = Groups { default: Some(Role::Viewer), ..groups };
        assert_eq!(with_default.role(["x"]), Some(Role::Viewer));
        assert_eq!(with_default.role(["root"]), Some(Role::Admin));
    }
}
