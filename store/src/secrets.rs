//! The keys to a bucket.

use object_store::aws::AmazonS3Builder;
use object_store::aws::AmazonS3ConfigKey::{
    self, AccessKeyId, DefaultRegion, Endpoint, Region, S3Endpoint, SecretAccessKey, Token,
};
use text::{Problem, Refusal};

const SECRETS: [(&str, AmazonS3ConfigKey); 3] = [
    ("AWS_ACCESS_KEY_ID", AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", SecretAccessKey),
    ("AWS_SESSION_TOKEN", Token),
];

/// Where the bucket is: a line end at one of these would be sent along, too.
const PLACES: [AmazonS3ConfigKey; 4] = [Region, DefaultRegion, Endpoint, S3Endpoint];

/// The same with each of its secrets as every secret is read: without the blanks that editors and shells add.
///
/// # Errors
/// When one is something that would be sent along; it is named, and not repeated.
pub(crate) fn plain(mut builder: AmazonS3Builder) -> Result<AmazonS3Builder, Problem> {
    for (name, key) in SECRETS {
        if let Some(written) = builder.get_config_value(&key) {
            let secret = text::secret(&written).map_err(|Refusal { problem, fix }| {
                Problem::new(name, problem, format!("{fix}, or do not set it"))
            })?;
            if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                let problem = "holds a sign that no key of a bucket has (a blank, an invisible sign, a letter with a mark)";
                return Err(Problem::new(name, problem, "copy it anew, or do not set it"));
            }
            builder = builder.with_config(key, secret);
        }
    }
    for key in PLACES {
        if let Some(written) = builder.get_config_value(&key) {
            builder = builder.with_config(key, written.trim());
        }
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    /// S4
    #[test]
    fn a_key_to_a_bucket_is_trimmed_or_refused_by_name() {
        for (name, key) in SECRETS {
            let with = |written: &str| plain(AmazonS3Builder::new().with_config(key, written));
            for written in ["hunter2", "hunter2\n", " hunter2\r\n", "\u{feff}hunter2"] {
                let read = with(written).map(|builder| builder.get_config_value(&key));
                assert_eq!(
                    read.map_err(|problem| problem.what()),
                    Ok(Some("hunter2".to_owned())),
                    "{written:?}"
                );
            }
            for wrong in [
                "hunter2\nhunter3",
                "\"hunter2\"",
                "hunter\t2",
                "\n",
                "hunter 2",
                "hunter\u{200b}2",
                "hunter\u{a0}2",
            ] {
                let problem = with(wrong).err().map(|problem| problem.to_string()).unwrap_or_default();
                assert!(problem.starts_with(name) && !problem.contains("hunter"), "{problem}");
                let opened =
                    Store::open_only_with("s3://bucket", &[("AWS_REGION", "us-east-1"), (name, wrong)]);
                let refusal = opened.map(drop).expect_err("refused").to_string();
                assert!(refusal.contains(name) && !refusal.contains("hunter"), "{refusal}");
            }
        }
        let none = plain(AmazonS3Builder::new()).map(|builder| builder.get_config_value(&Token));
        assert_eq!(none.map_err(|problem| problem.what()), Ok(None));
    }
}
