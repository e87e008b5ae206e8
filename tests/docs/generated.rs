//! Files that are generated from the endpoints: `openapi.json`, `kong.yml`, `curl_utils/`, the tables of `docs/api.md` and
//! `docs/v0.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rangehand::http::documents;
use serde_json::Value;

use super::{first_column, is_update, read, root};

/// The upstream of the committed file.
const UPSTREAM: &str = "http://127.0.0.1:8000";

/// Compares a file with what it has to be; writes it where that is wanted.
fn lock(path: &str, wanted: &str) {
    let file = root().join(path);
    if is_update() {
        fs::create_dir_all(file.parent().expect("below the root")).expect("writable");
        fs::write(&file, wanted).expect("writable");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    let line = found.lines().zip(wanted.lines()).position(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "{path} is not what the routes say (line {}): run `UPDATE_DOCS=1 cargo test --test docs`",
        line.map_or_else(|| "of its end".to_owned(), |line| (line + 1).to_string())
    );
}

#[test]
fn the_openapi_document_is_what_the_routes_say() {
    lock("openapi.json", &documents::openapi());
}

#[test]
fn the_list_of_renamed_names_is_what_the_tables_say() {
    let document = rangehand::renamed::document();
    lock("docs/renamed.md", &document);
    let changelog = read("CHANGELOG.md");
    let mut column = 0;
    for cells in document
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.split(" | ").collect::<Vec<_>>())
    {
        match cells.iter().position(|cell| cell.trim_matches(['|', ' ']) == "new name") {
            Some(position) => column = position,
            None => {
                let name = cells.get(column).map_or("", |cell| cell.trim_matches(['|', ' ']));
                assert!(
                    name.starts_with("---") || changelog.contains(name),
                    "CHANGELOG.md lacks the new name {name}"
                );
            }
        }
    }
}

#[test]
fn the_configuration_of_kong_is_what_the_routes_say() {
    lock("kong.yml", &documents::kong(UPSTREAM));
}

/// Compares a table of a document, which is between comments with its name.
fn lock_table(path: &str, name: &str, table: &str) {
    let document = read(path);
    let (head, rest) = document.split_once(&format!("<!-- {name}: made from ")).expect("the table begins");
    let (origin, rest) = rest.split_once(" -->\n").expect("it says of what it is made");
    let end = format!("<!-- end of {name} -->\n");
    let (_, tail) = rest.split_once(&end).expect("the table ends");
    lock(path, &format!("{head}<!-- {name}: made from {origin} -->\n\n{table}\n{end}{tail}"));
}

#[test]
fn the_table_of_v0_is_what_the_rows_say() {
    lock_table("docs/v0.md", "routes", &documents::v0_table());
}

#[test]
fn the_tables_of_the_api_document_are_what_endpoints_and_codes_say() {
    lock_table("docs/api.md", "routes", &documents::api_table());
    lock_table("docs/api.md", "problems", &documents::problem_table());
    lock_table("docs/api.md", "faults", &documents::fault_table());
}

#[test]
fn the_scripts_are_what_the_rows_say_and_no_other_is_there() {
    let scripts = documents::curl_utils();
    let mut found = BTreeSet::new();
    files_below(&root().join("curl_utils"), "", &mut found);
    for stale in found.iter().filter(|name| !scripts.contains_key(*name)) {
        assert!(
            is_update(),
            "curl_utils/{stale} belongs to no route: run `UPDATE_DOCS=1 cargo test --test docs`"
        );
        fs::remove_file(root().join("curl_utils").join(stale)).expect("removable");
    }
    for (name, content) in &scripts {
        let path = format!("curl_utils/{name}");
        lock(&path, content);
        let wanted = if name.ends_with(".sh") { 0o755 } else { 0o644 };
        let file = root().join(&path);
        if is_update() {
            fs::set_permissions(&file, fs::Permissions::from_mode(wanted)).expect("writable");
        }
        let mode = fs::metadata(&file).expect("readable").permissions().mode();
        assert_eq!(mode & 0o100, wanted & 0o100, "{path}: may it be executed?");
    }
}

/// The names of all files below a directory, relative to it.
fn files_below(directory: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files_below(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name);
        }
    }
}

#[test]
fn every_route_is_in_openapi_kong_scripts_and_tables() {
    let openapi: Value = serde_json::from_str(&documents::openapi()).expect("JSON");
    let kong: Value = serde_saphyr::from_str(&documents::kong(UPSTREAM)).expect("YAML");
    let names = kong_routes(&kong);
    let scripts: BTreeSet<_> = documents::curl_utils().into_keys().collect();
    let table = first_column(&documents::v0_table());
    for route in documents::routes() {
        let what = format!("{} {}", route.method, route.path);
        let object = &openapi["paths"][route.path][route.method.to_lowercase()];
        assert_eq!(object["operationId"], route.operation, "openapi.json: {what}");
        assert_eq!(object["x-permission"].as_str(), route.permission, "openapi.json: {what}");
        let service = format!("rangehand-{}", route.permission.unwrap_or("open"));
        let known = names.get(&format!("rangehand-{}", route.operation));
        assert_eq!(known, Some(&service), "kong.yml: {what}");
        if route.path.starts_with("/v0/") {
            assert!(table.contains(&what), "docs/v0.md: {what}");
            let script =
                route.path.replace("//", "/").replace(['{', '}'], "").replace("stop-force", "stop_force");
            let script = format!("{}.sh", script.trim_start_matches("/v0/admin/"));
            assert!(scripts.contains(&script), "curl_utils: {script}");
        }
    }
}

/// The service of each route, by their names.
fn kong_routes(kong: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for service in kong["services"].as_array().expect("services") {
        for route in service["routes"].as_array().expect("routes") {
            let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
            assert!(found.insert(name(route), name(service)).is_none(), "two routes with one name: {route}");
        }
    }
    found
}

#[test]
fn the_configuration_of_kong_is_one_for_kong() {
    let kong: Value = serde_saphyr::from_str(&documents::kong(UPSTREAM)).expect("YAML");
    assert_eq!(kong, documents::kong_value(UPSTREAM), "as YAML it says something else");
    let mut schemas = vec![root().join("tests/fixtures/kong/schema.json")];
    // The schema of Kong itself, if available: pkg/file/kong_json_schema.json of github.com/Kong/go-database-reconciler.
    schemas.extend(std::env::var_os("RANGEHAND_TEST_KONG_SCHEMA").map(Into::into));
    for path in schemas {
        let mut known = boon::Schemas::new();
        let schema = boon::Compiler::new()
            .compile(path.to_str().expect("UTF-8"), &mut known)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        known.validate(&kong, schema).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
    }
    let patterns = kong["services"].as_array().expect("services").iter();
    for path in patterns
        .flat_map(|service| service["routes"].as_array().expect("routes"))
        .map(|route| &route["paths"][0])
    {
        let path = path.as_str().expect("a text");
        assert!(path.starts_with("~/") && path.ends_with('$'), "{path}");
        assert!(regex::Regex::new(&path[1..]).is_ok(), "{path}");
    }
}

/// Runs `rangehand export` without any settings. Returns what it printed.
fn export(arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rangehand"));
    let output = command.arg("export").args(arguments).env_clear().output().expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_command_line_exports_the_same_documents() {
    assert_eq!(export(&["openapi"]), documents::openapi());
    assert_eq!(export(&["kong"]), documents::kong(UPSTREAM));
    let elsewhere = export(&["kong", "--upstream", "https://rangehand.example:8443"]);
    assert!(elsewhere.contains("url: \"https://rangehand.example:8443\"") && !elsewhere.contains(UPSTREAM));
    let routes: Value = serde_json::from_str(&export(&["routes", "--format", "json"])).expect("JSON");
    assert_eq!(routes.as_array().map(Vec::len), Some(documents::routes().len()));
    assert_eq!(export(&["routes"]).lines().count(), documents::routes().len());
    let directory = tempfile::tempdir().expect("a directory");
    let output = directory.path().join("scripts");
    assert_eq!(export(&["curl", "--output", output.to_str().expect("UTF-8")]), "");
    let mut found = BTreeSet::new();
    files_below(&output, "", &mut found);
    assert_eq!(found, documents::curl_utils().into_keys().collect());
}
