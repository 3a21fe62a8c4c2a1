//! What every service says: its cluster, and the fields that it takes.

use super::{Resolver, names};
use crate::config::{Code, Located};

impl Resolver<'_> {
    pub(super) fn check_services(&mut self) {
        let file = self.file;
        let known: Vec<Located<String>> = file.clusters.names().cloned().collect();
        for (name, table) in file.services.iter() {
            self.check_name(name, names::SERVICE);
            let common = table.common();
            if !file.clusters.declares(common.cluster) {
                self.unknown(common.cluster, "cluster", "clusters", &known);
            }
            for field in common.take {
                let is_path = field.split('.').all(|part| !part.is_empty()) && !field.contains(char::is_whitespace);
                if !is_path {
                    let summary = format!("`{}` is no field of an object", field.value);
                    let help = "write its path with dots, as the conflict names it: `spec.replicas`";
                    self.fault(Code::Value, summary, &field.place, "this field", help);
                }
            }
        }
    }
}
