//! Bundles for Ubuntu hosts.

use super::shared::{NODE_IF_ANY, fields};
use crate::http::v0::route::{Access, Plan, Reply, Route, Verb};
use crate::http::v0::{
    field::{BUNDLE_HOSTS, Field, Kind, PASSWORD, SHELL, USER},
    route::Limit,
};

const HOSTS: Field =
    Field::new("hosts", Kind::Host(&BUNDLE_HOSTS), r#""web-01""#, "The hosts or groups to run on")
        .no_variable();
const DOCKER: Field = flag("install_package_docker", "INSTALL_PACKAGES_DOCKER", "Install Docker");
const DOCKER_COMPOSE: Field =
    flag("install_package_docker_compose", "INSTALL_PACKAGES_DOCKER_COMPOSE", "Install Docker Compose");
const NTP: Field = flag(
    "install_ntpclient_and_update_time",
    "INSTALL_PACKAGES_NTP_AND_UPDATE_TIME",
    "Install an NTP client and set the time",
);
const CLEANING: Field =
    flag("packages_cleaning", "SPECIFIC_PACKAGES_CLEANING", "Remove packages that nothing needs any more");

const fn flag(name: &'static str, variable: &'static str, about: &'static str) -> Field {
    Field::new(name, Kind::Bool, "true", about).variable(variable)
}

const fn ubuntu(
    path: &'static str,
    operation: &'static str,
    bundle: &'static str,
    summary: &'static str,
    fields: &'static [Field],
) -> Route {
    Route {
        method: Verb::Post,
        path,
        also: &[],
        operation,
        summary,
        tag: "bundles ubuntu",
        access: Access::OPERATOR,
        fields,
        plan: Plan::Bundle { bundle, limit: Limit::Hosts, constant: None },
        reply: Reply::Log,
        locks: &[],
    }
}

pub(super) const ROUTES: &[Route] = &[
    ubuntu(
        "/v0/admin/run/bundles/core/linux/ubuntu/install/docker",
        "bundle_ubuntu_install_docker",
        "core/linux/ubuntu/install/docker",
        "Installs Docker.",
        fields![NODE_IF_ANY, HOSTS, DOCKER, NTP, CLEANING],
    ),
    ubuntu(
        "/v0/admin/run/bundles/core/linux/ubuntu/install/docker-compose",
        "bundle_ubuntu_install_docker_compose",
        "core/linux/ubuntu/install/docker-compose",
        "Installs Docker Compose.",
        fields![NODE_IF_ANY, HOSTS, DOCKER, DOCKER_COMPOSE, NTP, CLEANING],
    ),
    ubuntu(
        "/v0/admin/run/bundles/core/linux/ubuntu/install/basic-packages",
        "bundle_ubuntu_install_basic_packages",
        "core/linux/ubuntu/install/basic-packages",
        "Installs sets of packages.",
        fields![
            NODE_IF_ANY,
            HOSTS,
            flag("install_package_basics", "INSTALL_PACKAGES_BASICS", "Install basic tools"),
            flag("install_package_firewalls", "INSTALL_PACKAGES_FIREWALLS", "Install firewall tools"),
            DOCKER,
            DOCKER_COMPOSE,
            flag("install_package_utils_json", "INSTALL_PACKAGES_UTILS_JSON", "Install tools for JSON"),
            flag("install_package_utils_network", "INSTALL_PACKAGES_UTILS_NETWORK", "Install network tools"),
            NTP,
            CLEANING,
        ],
    ),
    ubuntu(
        "/v0/admin/run/bundles/core/linux/ubuntu/install/dot-files",
        "bundle_ubuntu_install_dot_files",
        "core/linux/ubuntu/install/dot-files",
        "Installs dotfiles of shell and editor for a user.",
        fields![
            NODE_IF_ANY,
            Field::new("hosts", Kind::Host(&BUNDLE_HOSTS), r#""web-01""#, "The hosts or groups to run on"),
            Field::new("user", Kind::AnyText, r#""operator""#, "The user who gets the files")
                .variable("OPERATOR_USER"),
            flag("install_vim_dot_files", "INSTALL_VIM_DOTFILES", "Install those of vim"),
            flag("install_zsh_dot_files", "INSTALL_ZSH_DOTFILES", "Install those of zsh"),
            flag("apply_for_root", "APPLY_FOR_ROOT", "Install them for root, too"),
        ],
    ),
    ubuntu(
        "/v0/admin/run/bundles/core/linux/ubuntu/configure/add-user",
        "bundle_ubuntu_add_user",
        "core/linux/ubuntu/configure/add-user",
        "Adds a user.",
        fields![
            NODE_IF_ANY,
            HOSTS,
            Field::new("user", Kind::Text(&USER), r#""trainee""#, "The name of the user")
                .variable("TARGET_USER"),
            Field::new("password", Kind::Text(&PASSWORD), r#""""#, "The password; empty sets none")
                .variable("TARGET_PASSWORD")
                .secret(),
            flag(
                "change_pwd_at_logon",
                "CHANGE_PWD_AT_LOGON",
                "Must the password be changed at the first login?"
            ),
            Field::new("shell_path", Kind::Text(&SHELL), r#""/bin/bash""#, "The login shell")
                .variable("TARGET_SHELL_PATH"),
        ],
    ),
];
