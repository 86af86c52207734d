//! User and password of an ERP: named by a reference, read in the worker, shown to nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::value::RawValue;
use text::{Place, Problem, Refusal, json};

use crate::http::{Credential, Names};

const FIELDS: [&str; 5] = ["username", "password", "endpoints", "connector", "options"];
const SHAPE: &str = r#"write {"username": …, "password": …, "endpoints": ["https://…"]}"#;

/// A credential as it is written: `{"username", "password", "endpoints": ["https://…"], "connector": "rest",
/// "options": {…}}`. Nothing of it is repeated in a problem but the names of these fields, and of options.
struct Written<'a> {
    text: &'a str,
    fields: BTreeMap<&'static str, json::Field<'a>>,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Result<Self, Problem> {
        let text = json::without_mark(text);
        json::value(text).map_err(|problem| Problem { fix: SHAPE.to_owned(), ..problem })?;
        let given = json::fields(text).ok_or_else(|| Problem::new("", "is not a credential", SHAPE))?;
        let mut fields = BTreeMap::new();
        for (name, field) in given {
            let wrong = |problem: &str, fix: String| {
                Err(Problem::new("", problem, fix).at(Place::in_text(text, field.at)))
            };
            let Some(known) = FIELDS.into_iter().find(|known| *known == name) else {
                // Its name may be a secret that stands in the wrong place.
                return wrong("has a field that no credential has", text::did_you_mean(&name, &FIELDS));
            };
            if fields.insert(known, field).is_some() {
                return wrong(&format!("has the field {known} twice"), "keep one of the two".to_owned());
            }
        }
        Ok(Self { text, fields })
    }

    /// A field as `take` reads it, if it is there.
    fn field<T>(
        &self,
        name: &str,
        of: &str,
        take: impl FnOnce(&RawValue) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(field) = self.fields.get(name) else { return Ok(None) };
        let wrong = || {
            Problem::new("", format!("has a field {name} that is not {of}"), SHAPE)
                .at(Place::in_text(self.text, field.at))
        };
        take(field.value).map(Some).ok_or_else(wrong)
    }

    fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.field(name, "text", |value| json::text(value).ok())
    }

    fn endpoints(&self) -> Result<Vec<String>, Problem> {
        let texts = |value: &RawValue| {
            json::entries(value.get())?.into_iter().map(|entry| json::text(entry).ok()).collect()
        };
        Ok(self.field("endpoints", "a list of texts", texts)?.unwrap_or_default())
    }

    fn options(&self) -> Result<Options, Problem> {
        let Some(field) = self.fields.get("options") else { return Ok(Options::new()) };
        let here = |problem: Problem| {
            Problem { field: String::new(), ..problem }.at(Place::in_text(self.text, field.at))
        };
        match json::kept(field.value) {
            Ok(serde_json::Value::Object(options)) => Ok(options.into_iter().collect()),
            Ok(_) => Err(here(Problem::new("", "has options that are not an object", SHAPE))),
            Err(problem) => {
                let problem = problem.below("options");
                let words =
                    format!("has an option that cannot be used: {} {}", problem.field, problem.problem);
                Err(here(Problem::new("", words, problem.fix)))
            }
        }
    }
}

/// Options that only one connector knows: each checks its own.
pub type Options = BTreeMap<String, serde_json::Value>;

/// The key to an ERP.
#[derive(Clone)]
pub struct ErpCredential {
    /// Its name in a failure: its variable, or `file:name`.
    pub name: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Credential,
    /// Where it may be sent. A sync that names another address is refused: whoever can start a run must not be able to
    /// send the password anywhere.
    pub endpoints: Vec<String>,
    /// Which connector speaks to the ERP.
    pub connector: String,
    /// The connector's own settings (`"options"`).
    pub options: Options,
}

impl fmt::Debug for ErpCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErpCredential")
            .field("endpoints", &self.endpoints)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

impl ErpCredential {
    /// The settings that lead to the ERP, as a failure names them.
    pub(super) fn names(&self) -> Names {
        let token = format!("user and password in {}", self.name);
        Names { url: "erp_endpoint".into(), token: token.into() }
    }

    /// Reads a credential; `name` is what it is called in a problem.
    ///
    /// # Errors
    /// When something is wrong with it, which is not repeated.
    pub fn parse(name: &str, json: &str) -> Result<Self, Problem> {
        Self::read(name, json).map_err(|problem| problem.below(name))
    }

    fn read(name: &str, json: &str) -> Result<Self, Problem> {
        let written = Written::read(json)?;
        let (endpoints, options) = (written.endpoints()?, written.options()?);
        if endpoints.is_empty() {
            let fix = "list the addresses that it may be sent to in \"endpoints\"";
            return Err(Problem::new("", "names no endpoint", fix));
        }
        let connector = written.text("connector")?.unwrap_or_else(|| "rest".to_owned());
        let username = written.text("username")?.unwrap_or_default();
        let password = written.text("password")?.unwrap_or_default();
        // A folder has none; one that is there is read as every secret.
        let password = match password.trim() {
            "" => String::new(),
            _ => text::secret(&password).map_err(|Refusal { problem, fix }| {
                Problem::new("", format!("has a password that {problem}"), fix)
            })?,
        };
        let (name, username) = (name.to_owned(), username.trim().to_owned());
        Ok(Self { name, username, password: Credential::new(password), endpoints, connector, options })
    }

    /// Whether nothing of it was changed.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.username == other.username
            && self.password.reveal() == other.password.reveal()
            && self.connector == other.connector
            && self.options == other.options
    }

    /// Whether it may be sent there: to a listed address, with or without the last slash.
    #[must_use]
    pub fn may_go_to(&self, endpoint: &str) -> bool {
        let given = endpoint.trim_end_matches('/');
        self.endpoints.iter().any(|listed| listed.trim_end_matches('/') == given)
    }
}

/// Where credentials are.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Those of the environment, by name: `ERP_001` of `SUN_ERP_CREDENTIALS_ERP_001`.
    pub named: BTreeMap<String, ErpCredential>,
    /// The folder of those in files (`SUN_SECRETS_DIR`); read at each use, so that a changed password needs no
    /// restart.
    pub folder: Option<PathBuf>,
}

impl Credentials {
    /// Finds the credential of a reference: `env:NAME` or `file:name`.
    ///
    /// # Errors
    /// Why there is none, and the fix.
    pub fn find(&self, reference: &str) -> Result<ErpCredential, String> {
        match reference.split_once(':') {
            Some(("env", name)) => self.named.get(name).cloned().ok_or_else(|| {
                format!("the worker has no credential {reference}: set SUN_ERP_CREDENTIALS_{name} and start it again")
            }),
            Some(("file", name)) => self.read(reference, name),
            _ => Err("credentials_ref names no credential: write env:NAME or file:name".to_owned()),
        }
    }

    fn read(&self, reference: &str, name: &str) -> Result<ErpCredential, String> {
        let Some(folder) = &self.folder else {
            return Err(format!("the worker has no folder for {reference}: set SUN_SECRETS_DIR"));
        };
        // A name, not a path: nothing outside the folder can be read by naming it.
        let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
        if !is_name {
            return Err("credentials_ref names no file in SUN_SECRETS_DIR: write file:name".to_owned());
        }
        let written = std::fs::read(folder.join(name))
            .map_err(|error| format!("the worker cannot read {reference} in SUN_SECRETS_DIR: {error}"))?;
        json::decoded(&written)
            .map_err(|problem| problem.below(reference))
            .and_then(|json| ErpCredential::parse(reference, json))
            .map_err(|problem| format!("{}: {}", problem.what(), problem.fix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"username": "api_user", "password": "hunter2", "endpoints": ["https://erp.example.com/api"]}"#;

    #[test]
    fn a_credential_goes_where_it_is_listed_and_nowhere_else() -> Result<(), Problem> {
        let credential = ErpCredential::parse("env:ERP", GOOD)?;
        assert!(credential.may_go_to("https://erp.example.com/api"));
        assert!(credential.may_go_to("https://erp.example.com/api/"));
        for elsewhere in
            ["https://erp.example.com", "http://erp.example.com/api", "https://erp.example.com/apix"]
        {
            assert!(!credential.may_go_to(elsewhere), "{elsewhere}");
        }
        assert_eq!(credential.connector, "rest");
        // S1: as editors write it.
        assert!(ErpCredential::parse("env:ERP", &format!("\u{feff}{GOOD}\r\n")).is_ok());
        assert!(!format!("{credential:?}").contains("hunter2"));
        Ok(())
    }

    /// S4: inside of JSON, too.
    #[test]
    fn a_password_is_trimmed_or_refused_by_name() -> Result<(), Problem> {
        for written in ["hunter2", "hunter2\\n", " hunter2\\r\\n"] {
            let json = GOOD.replace("hunter2", written).replace("api_user", "api_user\\n");
            let credential = ErpCredential::parse("env:ERP", &json)?;
            assert_eq!((credential.password.reveal(), credential.username.as_str()), ("hunter2", "api_user"));
        }
        for wrong in ["hunter2\\nhunter3", "'hunter2'", "hunter\\t2"] {
            let json = GOOD.replace("hunter2", wrong);
            let problem = ErpCredential::parse("env:ERP", &json).expect_err("refused").to_string();
            assert!(
                problem.starts_with("env:ERP has a password that ") && !problem.contains("hunter"),
                "{problem}"
            );
        }
        let none = ErpCredential::parse("env:ERP", r#"{"endpoints": ["file:///srv/exports"]}"#)?;
        assert_eq!(none.password.reveal(), "");
        Ok(())
    }

    #[test]
    fn what_is_no_credential_is_refused_without_repeating_it() {
        for wrong in [
            r#"{"username": "u", "password": "hunter2"}"#,
            "hunter2",
            r#"{"endpoints": [], "password": "hunter2"}"#,
            r#"{"endpoints": ["x"], "hunter2": 1}"#,
        ] {
            let problem = ErpCredential::parse("env:ERP", wrong).expect_err("wrong").to_string();
            assert!(problem.starts_with("env:ERP ") && !problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn a_field_that_is_given_twice_or_not_known_is_named_with_its_place() {
        let said = |json: &str| ErpCredential::parse("env:ERP", json).expect_err(json).to_string();
        for (wrong, words) in [
            (
                GOOD.replace('{', r#"{"password": "hunter3", "#),
                "env:ERP has the field password twice (line 1, column",
            ),
            (GOOD.replace("password", "pasword"), "did you mean 'password'?"),
            (
                GOOD.replace('}', r#", "options": {"a": 1, "a": 2}}"#),
                "options.a is given twice (line 1, column",
            ),
            (GOOD.replace('}', r#", "options": {"a": {"b": 1, "b": 2}}}"#), "options.a.b is given twice"),
            (GOOD.replace('}', r#", "options": []}"#), "has options that are not an object"),
            (GOOD.replace("\"api_user\"", "7"), "has a field username that is not text (line 1, column"),
            (GOOD.replace("\"https", "7, \"https"), "has a field endpoints that is not a list of texts"),
            (GOOD.replace(':', ""), "env:ERP is not JSON"),
        ] {
            let said = said(&wrong);
            assert!(said.contains(words) && !said.contains("hunter"), "{said}");
        }
    }

    /// S1: as Windows saves a file.
    #[test]
    fn another_encoding_of_a_file_is_named() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let wide: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(folder.path().join("wide"), [&b"\xff\xfe"[..], &wide].concat())?;
        std::fs::write(folder.path().join("marked"), format!("\u{feff}{GOOD}"))?;
        let credentials = Credentials { folder: Some(folder.path().into()), ..Credentials::default() };
        let said = credentials.find("file:wide").expect_err("refused");
        assert_eq!(said, "file:wide is UTF-16 text: save it as UTF-8");
        assert!(credentials.find("file:marked").is_ok());
        Ok(())
    }

    #[test]
    fn a_reference_that_leads_nowhere_says_what_to_set() {
        let credentials = Credentials::default();
        let of = |reference: &str| credentials.find(reference).expect_err("none");
        assert!(of("env:ERP_001").contains("SUN_ERP_CREDENTIALS_ERP_001"));
        assert!(of("file:erp").contains("SUN_SECRETS_DIR"));
        let credentials = Credentials { folder: Some("/".into()), ..Credentials::default() };
        for outside in ["file:../etc/passwd", "file:etc/passwd", "file:.hidden"] {
            assert!(credentials.find(outside).expect_err("none").contains("write file:name"), "{outside}");
        }
    }
}
