#!/usr/bin/env python3
"""SeaweedFS on loopback, as an S3 with one user and one bucket.

It serves S3 at the first of --ports; the others are its own.
"""

import argparse
import json
import os
import pathlib
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent.parent
WEED = HERE / "bin" / "weed"
NAMES = ["s3.port", "master.port", "volume.port", "filer.port"]


def make_bucket(filer, name):
    """A bucket is a folder of the filer."""
    for _ in range(600):
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{filer}/buckets/{name}/", method="POST", data=b"")
            urllib.request.urlopen(request, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--ports", required=True, help="eight free ports, with commas")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret-key", required=True)
    given = parser.parse_args()
    data = given.folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    user = {
        "name": "test",
        "credentials": [{"accessKey": given.access_key, "secretKey": given.secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = given.folder / "s3.json"
    config.write_text(json.dumps({"identities": [user]}))
    ports = [int(port) for port in given.ports.split(",")]
    arguments = ["server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=4", "-s3"]
    arguments += [f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    arguments += [f"-{name}={port}" for name, port in zip(NAMES, ports)]
    arguments += [f"-{name}.grpc={port}" for name, port in zip(NAMES, ports[4:])]
    # The bucket can be made when the server is there; this process becomes the server, so another one waits for that.
    if os.fork() == 0:
        make_bucket(ports[3], given.bucket)
        os._exit(0)
    os.execv(WEED, [str(WEED), *arguments])


if __name__ == "__main__":
    main()
