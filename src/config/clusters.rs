//! `[[clusters]]` of the configuration files, which `kubekey setup` writes to kubeconfigs.

use super::cluster::Cluster;
use super::cluster_reader::Reader;
use super::file::{File, Unknown};
use super::mistake::{Checked, without_consequences};
use super::syntax::read_tables;
use crate::error::Result;

/// The clusters of all files, in their order, and the unknown fields. A cluster in a higher file replaces one of the
/// same name in a lower file.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`], with the location, for a cluster that is incomplete or has an invalid field.
pub fn clusters(files: &[File]) -> Result<(Vec<Cluster>, Vec<Unknown>)> {
    check_clusters(files).or_first()
}

/// The clusters with all of their mistakes. Syntax errors are not among these: they are reported for the file.
pub fn check_clusters(files: &[File]) -> Checked<(Vec<Cluster>, Vec<Unknown>)> {
    let (mut all, mut unknown, mut mistakes) = (Vec::<Cluster>::new(), Vec::new(), Vec::new());
    for file in files {
        let (table, syntax) = read_tables(&file.start);
        let (start, is_whole) = (&file.start, syntax.is_empty());
        let mut reader = Reader { files, start, is_whole, unknown: Vec::new(), mistakes: Vec::new() };
        for cluster in table.get("clusters").map(|entries| reader.clusters(entries)).unwrap_or_default() {
            match all.iter_mut().find(|known| known.name == cluster.name) {
                Some(known) if known.place.path == cluster.place.path => {
                    reader.wrong(&cluster.place, &format!("there are two clusters '{}'", cluster.name));
                }
                Some(known) => *known = cluster,
                None => all.push(cluster),
            }
        }
        unknown.extend(reader.unknown);
        mistakes.extend(without_consequences(reader.mistakes, &syntax));
    }
    Checked { good: (all, unknown), mistakes }
}
