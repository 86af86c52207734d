//! Buckets of this machine, and the proxy before others.

use object_store::ClientConfigKey::{ProxyExcludes, ProxyUrl};
use object_store::aws::AmazonS3Builder;
use object_store::aws::AmazonS3ConfigKey::{Client, Endpoint, Region, S3Endpoint};
use reqwest::Url;

/// A bucket whose endpoint is on this machine is reached through no proxy, whatever the environment names. The client
/// has no switch for that: it is given a proxy that nothing goes through, in place of the environment's.
pub(crate) fn without_proxy(builder: AmazonS3Builder) -> AmazonS3Builder {
    let endpoint = endpoint(&builder).and_then(|endpoint| Url::parse(&endpoint).ok());
    match endpoint.as_ref().and_then(Url::host_str).is_some_and(text::is_this_machine) {
        true => builder
            .with_config(Client(ProxyUrl), "http://localhost")
            .with_config(Client(ProxyExcludes), EVERYTHING),
        false => builder,
    }
}

/// The proxy before a bucket, as the end of a failure's text. One that the bucket's own settings name is the client's
/// business: it is not one of the environment's.
pub(crate) fn on_the_way(builder: &AmazonS3Builder) -> String {
    match builder.get_config_value(&Client(ProxyUrl)) {
        Some(_) => String::new(),
        None => proxy::on_the_way(&address(builder)),
    }
}

/// Where a bucket is: at its endpoint, or at Amazon's for its region.
fn address(builder: &AmazonS3Builder) -> String {
    endpoint(builder).unwrap_or_else(|| {
        let region = builder.get_config_value(&Region).unwrap_or_else(|| "us-east-1".to_owned());
        format!("https://s3.{region}.amazonaws.com")
    })
}

/// As the client chooses it: the endpoint of buckets alone goes before that of all services.
fn endpoint(builder: &AmazonS3Builder) -> Option<String> {
    builder.get_config_value(&S3Endpoint).or_else(|| builder.get_config_value(&Endpoint))
}

/// Names, and addresses of both kinds.
const EVERYTHING: &str = "*,0.0.0.0/0,::/0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_at_its_endpoint_or_in_its_region() {
        let builder = AmazonS3Builder::new().with_region("eu-central-1");
        assert_eq!(address(&builder), "https://s3.eu-central-1.amazonaws.com");
        let builder = builder.with_endpoint("http://127.0.0.1:9000");
        assert_eq!(address(&builder), "http://127.0.0.1:9000");
        assert_eq!(
            address(&builder.with_config(S3Endpoint, "http://localhost:9001")),
            "http://localhost:9001"
        );
    }

    /// S5
    #[test]
    fn a_bucket_of_this_machine_is_reached_through_no_proxy() {
        for (endpoint, excluded) in [
            ("http://127.0.0.1:9000", Some(EVERYTHING)),
            ("http://localhost:9000", Some(EVERYTHING)),
            ("https://[::1]:9000", Some(EVERYTHING)),
            ("https://s3.example.com", None),
        ] {
            let builder = without_proxy(AmazonS3Builder::new().with_endpoint(endpoint));
            let excludes = builder.get_config_value(&Client(ProxyExcludes));
            assert_eq!(excludes.as_deref(), excluded, "{endpoint}");
        }
        assert_eq!(without_proxy(AmazonS3Builder::new()).get_config_value(&Client(ProxyUrl)), None);
    }
}
