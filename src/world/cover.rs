//! What is kept out of evidence at the door: the path of the home folder, which is written as `~`. It is taken out of a
//! thing before anybody judges it, so that what is judged is what whoever reads the bundle will find there.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The cover of one bundle.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    home: Option<String>,
    /// The same as JSON writes it within a string.
    home_in_json: Option<String>,
}

impl Cover {
    /// Covers the path of this home folder, if there is one.
    #[must_use]
    pub fn of(home: Option<String>) -> Self {
        let home = home.filter(|home| home.len() > 1).map(|home| format!("{}/", home.trim_end_matches('/')));
        let json = home.as_ref().and_then(|home| serde_json::to_string(home).ok());
        Self { home, home_in_json: json.map(|json| json.trim_matches('"').to_owned()) }
    }

    /// A text as it may be kept.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.home.as_ref().map_or(text.to_owned(), |home| text.replace(home, "~/"))
    }

    /// Takes out of a value what may not be kept, and gives its JSON on one line: the two say the same.
    ///
    /// # Errors
    /// The value has no JSON.
    pub fn value<T: Serialize + DeserializeOwned>(&self, value: &mut T) -> Result<String, serde_json::Error> {
        let mut line = serde_json::to_string(value)?;
        if let Some(home) = &self.home_in_json
            && line.contains(home)
        {
            line = line.replace(home, "~/");
            *value = serde_json::from_str(&line)?;
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_is_judged_say_the_same() {
        let cover = Cover::of(Some("/home/an\"na".to_owned()));
        let why = "open /home/an\"na/.kube/config: no such file".to_owned();
        let mut kept = why.clone();
        let line = cover.value(&mut kept).unwrap();
        assert_eq!((kept.as_str(), line), ("open ~/.kube/config: no such file", format!("\"{kept}\"")));
        assert_eq!(cover.text(&why), kept);
        for home in [None, Some("/".to_owned()), Some(String::new())] {
            let mut kept = why.clone();
            Cover::of(home).value(&mut kept).unwrap();
            assert_eq!(kept, why);
        }
    }
}
