//! Maps of a scenario in which `null` removes an entry of the base scenario.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Reads a map, without the entries that are `null`.
pub(super) fn without_nulls<'de, D, V>(file: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let all = BTreeMap::<String, Option<V>>::deserialize(file)?;
    Ok(all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}
