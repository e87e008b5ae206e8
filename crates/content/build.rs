//! The roles are part of the program: a new file among them is a change of it.

fn main() {
    println!("cargo:rerun-if-changed=../../playbooks/roles");
    println!("cargo:rerun-if-changed=../../playbooks/generic.yml");
    println!("cargo:rerun-if-changed=bundled");
}
