//! A form with a file (`multipart/form-data`), as the platform takes pictures.

use sha2::{Digest as _, Sha256};

/// Fields of a form, one after the other.
#[derive(Default)]
pub(crate) struct Form {
    /// Each with its head.
    parts: Vec<(String, Vec<u8>)>,
}

impl Form {
    /// Adds a text.
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{}\"\r\n\r\n", quoted(name));
        self.parts.push((head, value.as_bytes().to_vec()));
        self
    }

    /// Adds a file.
    pub(crate) fn file(mut self, name: &str, file_name: &str, content_type: &str, content: Vec<u8>) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {content_type}\r\n\r\n",
            quoted(name),
            quoted(file_name)
        );
        self.parts.push((head, content));
        self
    }

    /// The form's content type and body. Its boundary is made of its content: the same form has the same bytes, so that
    /// a provider that compares what is sent under a key sees the same request.
    pub(crate) fn finish(self) -> (String, Vec<u8>) {
        let mut hash = Sha256::new();
        for (head, content) in &self.parts {
            hash.update(head);
            hash.update(content);
        }
        let boundary: String = hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        let mut body = Vec::new();
        for (head, content) in self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{head}").as_bytes());
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// A name within quotation marks, as browsers write it.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_the_same_bytes_every_time_and_its_names_cannot_break_out() {
        let form = || {
            let file = b"\xFF\xD8\r\n--x".to_vec();
            Form::default().text("alt", "Áo").file("file", "a\"\r\nb.jpg", "image/jpeg", file).finish()
        };
        let (content_type, body) = form();
        assert_eq!((content_type.clone(), body.clone()), form());
        let boundary = content_type.split_once("boundary=").expect("a boundary").1;
        let text = String::from_utf8_lossy(&body);
        assert!(text.starts_with(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"alt\"\r\n\r\nÁo\r\n"
        )));
        assert!(text.contains("filename=\"a%22%0D%0Ab.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"));
        assert!(text.ends_with(&format!("\r\n--{boundary}--\r\n")));
    }
}
